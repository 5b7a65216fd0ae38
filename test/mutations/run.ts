// run.ts: `npm run mutations [-- words of a name]`: puts each known bug into a copy of the program and demands that
// the test named for it fails, for the reason named for it, and passes without it. Exit code 0: all are caught.
import { mutations } from './list.ts'
import { judge, Workshop } from './workshop.ts'

async function main(words: string): Promise<void> {
  const chosen = mutations.filter(({ name }) => name.includes(words))
  const workshop = new Workshop()
  const missed: string[] = []
  try {
    for (const test of new Set(chosen.map(({ test }) => test))) {
      const { code, output, ms } = await workshop.run(test)
      console.log(`${code === 0 ? 'ok    ' : 'BROKEN'} ${test} without a bug, ${seconds(ms)}`)
      if (code !== 0) missed.push(`${test} fails without a bug: ${output.slice(-600)}`)
    }
    for (const mutation of chosen) {
      const run = await workshop.runWith(mutation)
      const verdict = judge(mutation, run)
      console.log(
        `${verdict.kind === 'caught' ? 'caught' : 'MISSED'} ${mutation.name} (${mutation.breaks}), ${seconds(run.ms)}`,
      )
      if (verdict.kind === 'missed') {
        console.log(`       ${verdict.why}`)
        missed.push(mutation.name)
      }
    }
  } finally {
    workshop.close()
  }
  console.log(`${chosen.length} known bugs, ${missed.length} missed`)
  process.exitCode = missed.length === 0 && chosen.length > 0 ? 0 : 1
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

await main(process.argv.slice(2).join(' '))
