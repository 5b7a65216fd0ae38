// run.ts: the process edge of the crowd: options in, tables out, all that was started ended again.
//
// One master, two replicas and three Sentinels for the whole run. In each round every number of sidecars takes its
// turn, with fresh processes each time: code that has never seen a failover is what a sidecar has in its first. But in a
// crowd that code is compiled for hundreds at that very moment, which no sidecar does; a second failover shows the rest.
import { writeFileSync } from 'node:fs'
import { SentinelSet } from '../../test/support/sentinel-set.ts'
import { openFilesLimit } from '../measure.ts'
import { help, type Options, readOptions } from './options.ts'
import { growthTables, type NamedRound, roundLine } from './report.ts'
import { playRounds } from './round.ts'

/** Client, session, listener, three Sentinels, and links, spares and probes at the master. */
const FILES_EACH = 12

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2))
  if (options === 'help') return console.log(help)
  const files = FILES_EACH * Math.min(options.perProcess, Math.max(...options.sizes)) + 200
  if (openFilesLimit() < files) throw new Error(`a process of the crowd needs ${files} open files: ulimit -n ${files}`)
  const set = await SentinelSet.start({ downAfterMs: options.downAfterMs })
  let end = (): Promise<void> => set.stopAll()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      console.error(`${signal}: ending what was started`)
      const ending = end()
      end = () => ending
      void ending.finally(() => process.exit(signal === 'SIGINT' ? 130 : 143))
    })
  }
  try {
    await playAll(set, options)
  } finally {
    await end()
  }
}

async function playAll(set: SentinelSet, options: Options): Promise<void> {
  const rounds: NamedRound[] = []
  for (let n = 0; n < options.rounds; n++) {
    for (const trigger of options.triggers) {
      for (const sidecars of options.sizes) {
        for (const { name: subject, path: checkout } of options.checkouts) {
          const { perProcess, failovers, settledSeconds, logFile, profileFile } = options
          const played = await playRounds(set, {
            checkout,
            sidecars,
            perProcess,
            trigger,
            failovers,
            settledSeconds,
            logFile,
            profileFile,
          })
          for (const round of played) {
            rounds.push({ subject, ...round })
            console.log(roundLine({ subject, ...round }))
          }
        }
      }
    }
  }
  console.log(`\n${growthTables(rounds)}`)
  if (options.json !== undefined) writeFileSync(options.json, JSON.stringify(rounds, null, 1))
}

await main()
