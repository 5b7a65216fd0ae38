// replicas-list.ts: known bugs of the port for replicas.
import type { Mutation } from './mutation.ts'

const group = 'test/unit/replicas/group.test.ts'
const offsets = 'test/unit/replicas/offsets.test.ts'
const readOnly = 'test/unit/replicas/read-only.test.ts'
const port = 'test/replicas/port.test.ts'

export const replicasMutations: readonly Mutation[] = [
  {
    name: 'a replica serves after its bound is over',
    file: 'src/replicas/condition.ts',
    from: "if (now - freshAt > maxLagMs) return 'replica-lagging'",
    to: "if (now - freshAt > 100 * maxLagMs) return 'replica-lagging'",
    breaks: 'a read is never older than the bound',
    test: group,
    shows: /by what it says and how old that is/,
  },
  {
    name: 'sessions that move do not wait for what they saw',
    file: 'src/replicas/group.ts',
    from: 'if (!this.#hasSeen) return true',
    to: 'if (this.#terms >= 0) return true',
    breaks: 'what a session has seen it sees again',
    test: group,
    shows: /waits for the place that the master had then/,
  },
  {
    name: 'the place of the master before the move is enough',
    file: 'src/replicas/group.ts',
    from: 'offsets.askedAt >= this.soughtSince ? offsets.last : null',
    to: 'offsets.askedAt >= 0 ? offsets.last : null',
    breaks: 'the place that counts is asked for when the links are cut',
    test: group,
    shows: /waits for the place that the master had then/,
  },
  {
    name: 'a restarted replica is the same as before',
    file: 'src/replicas/condition.ts',
    from: "if (answer?.kind === 'report' && answer.runId !== runId) return 'replica-restarted'",
    to: "if (answer?.kind === 'report' && answer.runId === '') return 'replica-restarted'",
    breaks: 'sessions leave a replica that has begun anew',
    test: group,
    shows: /by what it says and how old that is/,
  },
  {
    name: 'a new history has all of the last one',
    file: 'src/replicas/offsets.ts',
    from: 'offset: Math.min(place.offset, this.#shared) }',
    to: 'offset: place.offset }',
    breaks: 'what a failover loses cannot be waited for',
    test: offsets,
    shows: /shares the last history/,
  },
  {
    name: 'what a client sends before it has a group is lost',
    file: 'src/client/accept/port.ts',
    from: 'pauseOnConnect: pauses',
    to: 'pauseOnConnect: false',
    breaks: 'a client may speak at once',
    test: port,
    shows: /that speaks before replicas are known/,
  },
  {
    name: 'a READONLY of a replica is taken for a move',
    file: 'src/proxy/served-replicas.ts',
    from: "refusalCode(frame) === 'READONLY') return false",
    to: "refusalCode(frame) === 'NEVER') return false",
    breaks: "writes get the server's own READONLY",
    test: port,
    shows: /in their own words/,
  },
  {
    name: 'the master runs writes in the place of a replica',
    file: 'src/replicas/read-only.ts',
    from: 'const isRefused = (one: SentCommand): boolean => refuses && isWrite(one, learned)',
    to: 'const isRefused = (one: SentCommand): boolean => !refuses && isWrite(one, learned)',
    breaks: 'nothing that may write is sent to a master',
    test: readOnly,
    shows: /at the master/,
  },
]
