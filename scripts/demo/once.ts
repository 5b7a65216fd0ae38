// once.ts: the demo without keys: a kill -9 and a planned failover, each with its story and its report, line by line.
import { type ActKind, acts, perform, steady } from './acts.ts'
import { allKept, judge, printRows, seconds } from './verdict.ts'
import type { World } from './world.ts'

const program: readonly ActKind[] = ['kill', 'planned']

/** Answers whether every promise was kept. */
export async function runOnce(world: World, print: (line: string) => void): Promise<boolean> {
  const { holdfast, load, story } = world
  print(
    `${load.clients} clients write through Holdfast on port ${holdfast.port}. Join in: redis-cli -p ${holdfast.port}`,
  )
  print(`Watch it in a browser: ${holdfast.page}`)
  print(`Change its master from another terminal: npm start -- switchover --config ${holdfast.config}`)
  await steady(load, { seconds: 1 })
  const verdicts: boolean[] = []
  for (const [i, kind] of program.entries()) {
    print(`\n${i + 1}. ${acts[kind].title}`)
    story.onLine = ({ ms, text }) => print(`   ${seconds(ms).padStart(8)}  ${text}`)
    const rows = judge(await perform(world, kind))
    story.onLine = () => {}
    print('')
    for (const line of printRows(rows)) print(line)
    verdicts.push(allKept(rows))
  }
  const held = verdicts.every(kept => kept)
  print(held ? '\nEvery promise was kept.' : '\nA promise was BROKEN: see above.')
  return held
}
