// run.ts: `npm run prove`: clients write through Holdfast while something is done to the servers, and what these hold in
// the end is judged against what the clients were told.
//
// Exit code 1: something that the options promise was broken, or a control arm shows nothing.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { canBeApart } from './apart.ts'
import { faults } from './faults.ts'
import { runFreezes } from './freezes.ts'
import { pageOf } from './page.ts'
import { type RunOptions, runRounds } from './rounds.ts'
import { add, brokenBy, lineOf, mustShow, newTotal, type Total } from './total.ts'

const help = `npm run prove -- [options]: faults under load, and a judge of what the clients were told

  --kills N           kill -9 of the master, N times
  --faults N          every other fault, N times each
  --freezes N         instead: the master stands still N times; says how often a kill at that moment would leave APPLIED
  --shared            all servers share all cores. Else the master has the first core, the others the rest (taskset)
  --only NAMES        these faults alone, separated by commas: ${faults.map(({ name }) => name).join(', ')}
  --cuts N            the same as --faults N --only cut
  --policy NAME       once, safe, always (once); always is a control arm that must show doubled effects
  --ack LEVEL         as of Holdfast; master is a control arm that must show lost writes
  --reads WHICH       as of Holdfast
  --flavour NAME      redis, valkey (redis)
  --load NAME         writes, families: scripts, functions, streams, blocking commands, hashes, large values (writes)
  --clients N         27
  --io-threads N      of the servers (1)
  --out FILE          appends the figures of each fault as a line of JSON
  --page FILE         writes docs/proof-report.md of all lines in FILE, and does nothing else
`

const { values } = parseArgs({
  options: {
    help: { type: 'boolean' },
    kills: { type: 'string', default: '0' },
    cuts: { type: 'string', default: '0' },
    faults: { type: 'string', default: '0' },
    freezes: { type: 'string', default: '0' },
    shared: { type: 'boolean', default: false },
    only: { type: 'string' },
    policy: { type: 'string', default: 'once' },
    ack: { type: 'string' },
    reads: { type: 'string' },
    flavour: { type: 'string', default: 'redis' },
    load: { type: 'string', default: 'writes' },
    clients: { type: 'string', default: '27' },
    'io-threads': { type: 'string', default: '1' },
    out: { type: 'string' },
    page: { type: 'string' },
  },
})

/** How often each fault is to be made. */
function roundsOf(name: string): number {
  const only = values.only?.split(',')
  if (name === 'kill' && values.kills !== '0') return Number(values.kills)
  if (name === 'cut' && values.cuts !== '0') return Number(values.cuts)
  if (only === undefined ? name === 'kill' : !only.includes(name)) return 0
  return Number(values.faults)
}

/** @throws Error where there is no load of this name. */
function loadOf(name: string): RunOptions['load'] {
  if (name !== 'writes' && name !== 'families') throw new Error(`--load: ${name} is none of writes, families`)
  // The page has figures of one load.
  if (name === 'families' && values.out !== undefined) throw new Error('--out: not with --load families')
  return name
}

async function main(): Promise<void> {
  const { policy, ack = null, reads = null, clients } = values
  const flavour = values.flavour === 'valkey' ? 'valkey' : 'redis'
  const options: RunOptions = {
    ...{ flavour, policy, ack, reads, clients: Number(clients), ioThreads: values['io-threads'] },
    isApart: !values.shared && canBeApart(),
    load: loadOf(values.load),
  }
  const unknown = values.only?.split(',').filter(name => faults.every(fault => fault.name !== name)) ?? []
  if (unknown.length > 0)
    throw new Error(`there is no fault ${unknown.join()}: ${faults.map(({ name }) => name).join()}`)
  if (!values.shared && !options.isApart)
    console.log('all servers share the cores: for a master apart it takes two, and taskset')
  if (values.freezes !== '0') {
    if (ack !== null)
      throw new Error('--freezes: not with --ack, under which Holdfast has replies that clients have not')
    const { freezes, withApplied, applied, operations } = await runFreezes(Number(values.freezes), options)
    const share = ((100 * withApplied) / freezes).toFixed(1)
    console.log(`${flavour}, ${policy}, ${clients} clients, ${operations} operations a second: ${freezes} moments,`)
    console.log(`${withApplied} with effects whose replies were not out (${share} %), ${applied} operations in all`)
    return
  }
  // What is wiped takes the functions and the group of the other load.
  const isFit = ({ wipes = false }: (typeof faults)[number]): boolean => !wipes || options.load === 'writes'
  const totals: Total[] = []
  for (const fault of faults) {
    const rounds = isFit(fault) ? roundsOf(fault.name) : 0
    if (rounds === 0) continue
    const total = newTotal(fault.name, options)
    totals.push(total)
    await runRounds(fault, rounds, options, (round, n) => {
      add(total, round)
      console.log(lineOf(`${fault.name} ${n}`, round))
      for (const line of [...round.doubled, ...round.wrong, ...round.order].slice(0, 5)) console.log(`  ${line}`)
      for (const line of round.unknownTexts) console.log(`  ${line}`)
    })
    const broken = brokenBy(total, fault)
    console.log(`${flavour}, ${policy}: ${JSON.stringify({ ...total, found: undefined })}`)
    if (broken.length > 0) {
      console.log(`BROKEN under ${fault.name}: ${broken.join(', ')}`)
      process.exitCode = 1
    }
    if (values.out !== undefined) appendFileSync(values.out, `${JSON.stringify(total)}\n`)
  }
  const shows = mustShow(options)
  if (shows !== null && totals.every(total => total[shows] === 0)) {
    console.log(`the control arm shows nothing ${shows}: this run proves nothing`)
    process.exitCode = 1
  }
}

if (values.help) console.log(help)
else if (values.page === undefined) {
  await main()
  // A socket that a fault has left behind would keep the process.
  process.exit()
} else {
  const lines = readFileSync(values.page, 'utf8').split('\n').filter(Boolean)
  const page = new URL('../../docs/proof-report.md', import.meta.url)
  // What lines of earlier days do not have.
  const earlier = { isApart: false, notRun: 0, refused: 0, beyond: 0, lostBeyond: 0, unknownBeyond: 0 }
  writeFileSync(page, pageOf(lines.map(line => ({ ...earlier, ...JSON.parse(line) }) as Total)))
}
