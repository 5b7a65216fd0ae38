// handoff-list.ts: known bugs of what clients are told of holds and of the end of Holdfast.
import type { Mutation } from './mutation.ts'

const file = 'src/client/state/handoff-notices.ts'
const wire = 'test/wire/handoff-notices.test.ts'
const walks = 'test/unit/client/state/handoff-notices.test.ts'

export const handoffMutations: readonly Mutation[] = [
  {
    name: 'a client that asks again at the end of a hold is never told that it is over',
    file: 'src/client/state/handoff-notices.ts',
    from: 'if (this.#holding !== inHold) this.#tell([listener])',
    to: 'if (this.#holding) this.#tell([listener])',
    breaks: 'the last notice that a client heard is true',
    test: 'test/unit/client/state/handoff-notices.test.ts',
    shows: /in any order of events/,
  },
  {
    name: 'a session of RESP2 that asked is told',
    file,
    from: 'return !gone && !ending && state.identity.protocol === 3',
    to: 'return !gone && !ending && state.identity.protocol > 0',
    breaks: 'who asked on RESP2 is told nothing',
    test: wire,
    shows: /not a byte but the reply/,
  },
  {
    name: 'a hold is told twice',
    file,
    from: 'if (listener.inHold === this.#holding || !isTellable(session)) return',
    to: 'if (!isTellable(session)) return',
    breaks: 'the two notices alternate',
    test: walks,
    shows: /FAILED_OVER after|FAILING_OVER after/,
  },
  {
    name: 'notices of one hold and the next have one number',
    file,
    from: '    this.#holding = holding\n    this.#sequence++',
    to: '    this.#holding = holding',
    breaks: 'numbers grow',
    test: walks,
    shows: /the number .+ again/,
  },
  {
    name: 'only the first few hundred sessions are told',
    file,
    from: '      if (this.#listeners.get(listener.session.id) === listener) this.#tellOne(listener)\n    }\n    this.#schedule()',
    to: '      if (this.#listeners.get(listener.session.id) === listener) this.#tellOne(listener)\n    }',
    breaks: 'all that asked are told',
    test: walks,
    shows: /and it is (?:true|false)/,
  },
  {
    name: 'RESET leaves the notices on',
    file: 'src/client/commands/change-identity.ts',
    from: '  context.host.handoff.delete(context.id)\n',
    to: '',
    breaks: 'RESET ends the notices',
    test: wire,
    shows: /not a byte but the reply/,
  },
  {
    name: 'a notice comes before the OK that allows it',
    file: 'src/client/commands/handoff.ts',
    from: "  if (context.pending > 0) return 'wait'\n",
    to: '',
    breaks: 'notices come behind the OK',
    test: wire,
    shows: /its hold was over/,
  },
  {
    name: 'who wants an address is sent a null',
    file,
    from: "const where = endpoint === 'none' ? '_\\r\\n' : bulk(this.#options.announced)",
    to: "const where = endpoint === 'none' ? '_\\r\\n' : (bulk(this.#options.announced) ?? '_\\r\\n')",
    breaks: 'node-redis ends its process over a null that it has not asked for',
    test: wire,
    shows: /--announce none/,
  },
  {
    name: 'the shards are no bulk string',
    file: 'src/client/state/handoff-notices.ts',
    from: "const SHARDS = '$1\\r\\n1\\r\\n'",
    to: "const SHARDS = ':1\\r\\n'",
    breaks: 'every current client takes what it is told',
    test: 'test/wire/current-clients.test.ts',
    shows: /Lettuce 7 takes FAILING_OVER/,
  },
  {
    name: 'the end of a hold is not told',
    file: 'src/relay/lanes.ts',
    from: "if (to.kind === 'open') this.#onOpened()",
    to: "if (to.kind === 'holding') this.#onOpened()",
    breaks: 'FAILED_OVER comes when what was held has been sent',
    test: wire,
    shows: /notices: not within|2 notices/,
  },
]
