// suite-list.ts — known bugs that Redis's own test suite, or a client library's, has shown.
import type { Mutation } from './mutation.ts'

export const suiteMutations: readonly Mutation[] = [
  {
    name: 'a database is selected behind the login alone',
    file: 'src/upstream/handshake.ts',
    from: 'identity.username !== null ? earlySelectStep(identity.database) : null',
    to: 'identity.username !== null ? null : null',
    breaks: 'a user without the right to SELECT stays in the database of its client',
    test: 'test/unit/upstream/handshake.test.ts',
    shows: /asks in this order|is in its database/,
  },
  {
    name: 'a fresh link is always dialled',
    file: 'src/relay/lanes.ts',
    from: "how === 'warm' ? this.#idle.take(identity.key, '') : undefined",
    to: 'undefined',
    breaks: 'a session in a database is told that the server is busy, and can end what it is busy with',
    test: 'test/wire/busy-database.test.ts',
    shows: /BUSY|timeout|time/,
  },
  {
    name: 'an EXEC of what a busy server has refused is kept from it',
    file: 'src/client/commands/transaction-replies.ts',
    from: "status.kind === 'aborted' && status.atServer ? null : execAborted",
    to: 'execAborted',
    breaks: 'EXEC is told what the server says of it',
    test: 'test/wire/busy-transaction.test.ts',
    shows: /BUSY/,
  },
  {
    name: 'a new link is taken to know of the refusal of the old one',
    file: 'src/client/session/session.ts',
    from: 'if (this.transaction !== null) forgetLink(this.transaction)',
    to: '',
    breaks: 'a transaction with a refused command runs nothing',
    test: 'test/wire/busy-transaction.test.ts',
    shows: /link that was refused is lost|EXECABORT/,
  },
  {
    name: 'a client that has quit keeps its link',
    file: 'src/client/session/session.ts',
    from: 'closeGracefully(this.#socket)\n    // The client may take its time to close its side. At the server it is gone with its last reply.\n    this.#choice.close()',
    to: 'closeGracefully(this.#socket)',
    breaks: 'a client that has been told OK to QUIT is gone at the server',
    test: 'test/wire/quit.test.ts',
    shows: /QUIT/,
  },
  {
    name: 'MONITOR shows how links are opened',
    file: 'src/client/session/lane-choice.ts',
    from: "(session.state.reply !== 'off' && !this.#isOurs(frame))",
    to: "session.state.reply !== 'off'",
    breaks: 'MONITOR shows the commands of clients alone',
    test: 'test/wire/monitor.test.ts',
    shows: /MONITOR/,
  },
]
