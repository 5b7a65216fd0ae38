// part.ts: the faults of one group as tests: each once, servers and policies in turn, all loads together.
//
// The whole product of faults, policies and servers is `npm run faults`; these are its diagonal. HOLDFAST_SEED decides
// the random moments, HOLDFAST_TEST_POLICY the policy of all of them.
import type { Test } from 'tap'
import { anyFlavour, type Flavour, findServer } from '../support/servers.ts'
import { settings } from '../support/settings.ts'
import { faults } from './faults.ts'
import { trialLine } from './report.ts'
import { runTrial } from './trial.ts'
import type { Fault, Policy } from './types.ts'

const { HOLDFAST_SEED = '1' } = process.env

const turns: readonly (readonly [Flavour, Policy])[] = [
  ['redis', 'safe'],
  ['valkey', 'always'],
  ['valkey', 'safe'],
  ['redis', 'always'],
]

const turnsOf = (policy: Policy): typeof turns => [
  ['redis', policy],
  ['valkey', policy],
]

export interface PartOptions {
  /** The faults of the group to try; all where left out. */
  readonly only?: readonly string[]
  /** Further masters that the same Holdfast serves. */
  readonly beside?: readonly string[]
}

/** Defines one test for each fault of the group. */
export function testGroup(t: Test, group: Fault['group'], { only, beside = [] }: PartOptions = {}): void {
  const chosen = faults.filter(fault => fault.group === group && only?.includes(fault.name) !== false)
  const inTurn = settings.policy === null ? turns : turnsOf(settings.policy)
  chosen.forEach((fault, i) => {
    const [server, policy] = inTurn[i % inTurn.length] ?? ['redis', 'safe']
    t.test(`${fault.name} — costs clients nothing but time and what is declared — ${server}, ${policy}`, async t => {
      const trial = await runTrial(fault, {
        server: findServer(server) ? server : anyFlavour(),
        policy,
        isReplicated: settings.isReplicated,
        seed: Number(HOLDFAST_SEED),
        beside,
      })
      t.comment(trialLine(trial))
      t.strictSame(trial.violations, [])
    })
  })
}
