// switchover-list.ts: known bugs of `holdfast switchover`.
import type { Mutation } from './mutation.ts'

const candidates = 'test/unit/switchover/candidate.test.ts'
const targets = 'test/unit/switchover/judge-target.test.ts'

export const switchoverMutations: readonly Mutation[] = [
  {
    name: 'a replica of priority 0 counts as one that may be promoted',
    file: 'src/switchover/candidate.ts',
    from: '  if (priority === 0) return',
    to: '  if (priority < 0) return',
    breaks: 'the choice is the one of the Sentinel',
    test: candidates,
    shows: /is not chosen/,
  },
  {
    name: 'the moment minds the freshest INFO alone',
    file: 'src/switchover/moment.ts',
    from: 'if (youngest >= bestAge.from && oldest <= bestAge.to)',
    to: 'if (youngest >= bestAge.from && youngest <= bestAge.to)',
    breaks: 'the failover is asked for when it is noticed soonest',
    test: candidates,
    shows: /may prefer it/,
  },
  {
    name: 'no replica is too far behind',
    file: 'src/switchover/judge-target.ts',
    from: "'bytes' in maxLag && behind > maxLag.bytes",
    to: "'bytes' in maxLag && behind < 0",
    breaks: 'a lag above --max-lag is a problem',
    test: targets,
    shows: /by its distance in bytes/,
  },
  {
    name: 'a command of a module is taken for a read',
    file: 'src/switchover/client-rows.ts',
    from: '  if (!spec.known) return true',
    to: '  if (!spec.known) return false',
    breaks: 'who writes past Holdfast is named',
    test: targets,
    shows: /json\.set/,
  },
  {
    name: 'what waits after a pause counts for it',
    file: 'src/ops/wait-sample.ts',
    from: '    if (performance.now() - ms > this.#endedAt) return\n',
    to: '',
    breaks: 'the report of a switchover is about its own pause',
    test: 'test/unit/ops/wait-sample.test.ts',
    shows: /what began to wait after the pause/,
  },
  {
    name: 'a replica that a Sentinel takes for a master may be promoted',
    file: 'src/switchover/judge-seen.ts',
    from: 'sameAddress(seen.address, address) && seen.isTakenForMaster',
    to: 'sameAddress(seen.address, address) && !seen',
    breaks: 'an old master is promoted only when every Sentinel has seen it as a replica',
    test: 'test/unit/switchover/judge-seen.test.ts',
    shows: /takes a candidate for a master/,
  },
  {
    name: 'a drill begins although no Sentinel would ever choose the way back',
    file: 'src/drill/way-back.ts',
    from: '  if (own === 0) {',
    to: '  if (own < 0) {',
    breaks: 'what stands against the way back is told before anything is done',
    test: 'test/unit/drill/way-back.test.ts',
    shows: /sure, by chance or impossible/,
  },
]
