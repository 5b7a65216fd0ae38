// robust-list.ts: known bugs of what one client can do to all: replies that are taken apart, exceptions, the log.
import type { Mutation } from './mutation.ts'

const waits = 'test/wire/wait-truth.test.ts'
const bug = 'test/wire/session-bug.test.ts'
const clientData = 'test/wire/client-data.test.ts'

export const robustMutations: readonly Mutation[] = [
  {
    name: "an EXEC's reply is taken apart by recursion",
    file: 'src/client/commands/transaction-replies.ts',
    from: '    const types = elementTypes(frame)\n',
    to: '    const walk = (at: number): number => (at < 0 ? 0 : 1 + walk(frame.indexOf(42, at + 1)))\n    walk(0)\n    const types = elementTypes(frame)\n',
    breaks: 'what a script answers ends nobody',
    test: clientData,
    shows: /nested 7,900 deep/,
  },
  {
    name: 'the link does not say over whose reply it stumbled',
    file: 'src/upstream/link.ts',
    from: 'this.onBug(error, this.#answering ?? head)',
    to: 'this.onBug(error)',
    breaks: 'an exception ends the session it was thrown for',
    test: bug,
    shows: /in the relay itself/,
  },
  {
    name: 'a reader of the log that leaves is an uncaught error',
    file: 'src/ops/log-output.ts',
    from: "  process.stdout.on('error', () => {})\n",
    to: '',
    breaks: 'the process lives, whoever reads its log',
    test: 'test/wire/log-reader.test.ts',
    shows: /leaves/,
  },
  {
    name: 'log lines are kept for a reader without end',
    file: 'src/ops/log-output.ts',
    from: 'if (this.#pending > MAX_PENDING)',
    to: 'if (this.#pending > 1e12)',
    breaks: 'lines that nobody takes are dropped and counted',
    test: 'test/unit/ops/log-output.test.ts',
    shows: /while the reader takes none/,
  },
  {
    name: 'WAIT answers for writes that another master has acknowledged',
    file: 'src/client/state/wait-answers.ts',
    from: '    this.lost = true\n',
    to: '',
    breaks: 'an answer of WAIT is about the writes of its session',
    test: waits,
    shows: /that another master has acknowledged/,
  },
  {
    name: 'WAIT says 0 of a write that the new master has',
    file: 'src/client/state/wait-answers.ts',
    from: 'answered <= this.#first',
    to: 'answered < 0',
    breaks: 'an answer of WAIT is about the writes of its session',
    test: waits,
    shows: /held for the new master/,
  },
  {
    name: 'WAIT answers for a connection that has written nothing',
    file: 'src/client/commands/wait.ts',
    from: 'else if (this.#refused) {',
    to: 'else if (this.#place < 0) {',
    breaks: 'an answer of WAIT is about the writes of its session',
    test: waits,
    shows: /names the right that is missing/,
  },
  {
    name: 'a BLPOP that has timed out counts as an expired hold',
    file: 'src/relay/lane.ts',
    from: "timeout !== null ? 'timedOut' : 'expired'",
    to: "'expired'",
    breaks: 'the account of a hold is true',
    test: 'test/wire/blocking-outage.test.ts',
    shows: /counts blocking commands/,
  },
  {
    name: 'whatever has the port is said to listen',
    file: 'src/transport/port-probe.ts',
    from: "socket.on('error', () => settle(false))",
    to: "socket.on('error', () => settle(true))",
    breaks: 'what is said of a port is true',
    test: 'test/wire/admin-process.test.ts',
    shows: /when an outgoing connection has it/,
  },
  {
    name: 'an exception in one write ends them all',
    file: 'src/upstream/turn.ts',
    from: '        session.onBug(error)\n',
    to: '        throw error\n',
    breaks: 'an exception ends the session it was thrown for',
    test: 'test/unit/upstream/turn.test.ts',
    shows: /goes on with the others/,
  },
]
