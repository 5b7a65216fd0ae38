// suite-list.ts — known bugs that Redis's own test suite, or a client library's, has shown.
import type { Mutation } from './mutation.ts'

export const suiteMutations: readonly Mutation[] = [
  {
    name: 'a database is selected behind the login alone',
    file: 'src/upstream/handshake.ts',
    from: 'this.#steps.unshift(earlySelectStep(identity.database))',
    to: 'this.#steps.push()',
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
]
