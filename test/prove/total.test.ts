// What a round adds to the figures, and what the options promise of it.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { makeFolder, removeFolder } from '../support/servers.ts'
import { countFailovers, survives } from './failovers.ts'
import { faults } from './faults.ts'
import { type Arm, type Round, termsOf } from './rounds.ts'
import { add, brokenBy, merge, newTotal } from './total.ts'

const arm = (ack: string | null): Arm => ({ flavour: 'redis', policy: 'once', ack, reads: 'committed', isApart: true })

function faultOf(name: string): (typeof faults)[number] {
  const fault = faults.find(one => one.name === name)
  if (fault === undefined) throw new Error(`there is no fault ${name}`)
  return fault
}

t.test(
  'acknowledged writes — survive as many failovers as replicas have them — and a fault that loses none',
  async t => {
    for (const [name, ack, failovers, wanted] of [
      ['kill', null, 1, false],
      ['kill', 'master', 1, false],
      ['kill', 'replicated', 1, true],
      ['kill', 'replicated', 2, false],
      ['kill', 'replicated=2', 2, true],
      ['double', 'replicated', 2, false],
      ['double', 'replicated=2', 2, true],
      ['planned', null, 1, true],
      ['planned', null, 2, false],
      ['cut', null, 0, true],
      ['cut', null, 1, false],
      ['cut', 'replicated', 1, true],
      ['flush', 'replicated=2', 1, false],
    ] as const) {
      t.equal(survives(faultOf(name), arm(ack), failovers), wanted, `${name} ${ack} ${failovers}`)
      t.equal(termsOf(faultOf(name), arm(ack), failovers).mayLose, !wanted)
    }
  },
)

t.test('a SET that comes again — explains an older value — where no marker tells whether it has run', async t => {
  for (const [policy, ack, wanted] of [
    ['always', null, false], // a control arm, which has to show what is wrong
    ['safe', null, true],
    ['safe', 'master', true],
    ['safe', 'replicated', false],
    ['once', null, false],
  ] as const)
    t.equal(termsOf(faultOf('cut'), { ...arm(ack), policy }, 0).repeatsSets, wanted, `${policy} ${ack}`)
})

const round: Round = {
  ...{ doubled: [], wrong: [], order: [], lost: 3, applied: 0, unknown: 2, notRun: 0, refused: 0, operations: 10 },
  ...{ unknownTexts: [], isBeyond: false },
}

t.test('lost — breaks the promise — unless the Sentinels failed over once too often', async t => {
  const kill = faultOf('kill')
  const [asked, beyond] = [newTotal('kill', arm('replicated')), newTotal('kill', arm('replicated'))]
  add(asked, round)
  t.strictSame(brokenBy(asked, kill), ['lost 3', 'unknown 2'])
  t.strictSame(brokenBy({ ...asked, policy: 'always' }, kill), [], 'a control arm')
  add(beyond, { ...round, isBeyond: true })
  t.strictSame(brokenBy(beyond, kill), [])
  t.match(merge(asked, beyond), { lost: 3, lostBeyond: 3, unknown: 2, unknownBeyond: 2, beyond: 1, rounds: 2 })
})

t.test('failovers — are counted by the Sentinel that has seen most', async t => {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const logFiles = [join(dir, 'one'), join(dir, 'two')]
  const line = '1:X 26 Nov 2026 09:38:34.348 # +switch-master mymaster 127.0.0.1 1 127.0.0.1 2\n'
  await Promise.all(logFiles.map((file, i) => writeFile(file, `# +monitor\n${line.repeat(i)}`)))
  t.equal(await countFailovers(logFiles.map(logFile => ({ logFile }))), 1)
})
