// command-list.ts: known bugs of what a command is taken for: what may be sent again when nobody knows whether it ran,
// and the bytes of a login.
import type { Mutation } from './mutation.ts'

const overtaken = 'test/unit/command/overtaken.test.ts'

export const commandMutations: readonly Mutation[] = [
  {
    name: 'a FLUSHALL is repeated under safe',
    file: 'src/command/command-table.ts',
    from: 'flushall -1 non-idempotent',
    to: 'flushall -1 idempotent',
    breaks: 'AtMostOnceUnderSafe',
    test: overtaken,
    shows: /FLUSHALL is not repeatable/,
  },
  {
    name: 'a trim is repeated under safe',
    file: 'src/command/command-table.ts',
    from: 'ltrim 4 non-idempotent',
    to: 'ltrim 4 idempotent',
    breaks: 'AtMostOnceUnderSafe',
    test: overtaken,
    shows: /LTRIM l 0 1 is not repeatable/,
  },
  {
    name: 'a group is set back by a repeat under safe',
    file: 'src/command/subcommand-table.ts',
    from: 'xgroup|setid -5 non-idempotent',
    to: 'xgroup|setid -5 idempotent',
    breaks: 'AtMostOnceUnderSafe',
    test: overtaken,
    shows: /XGROUP SETID s g .+ is not repeatable/,
  },
  {
    name: 'a subcommand of a newer server is taken for a read',
    file: 'src/command/classify.ts',
    from: "if (subcommand === undefined) return 'non-idempotent'",
    to: "if (subcommand === undefined) return 'read'",
    breaks: 'AtMostOnceUnderSafe',
    test: 'test/unit/command/learned-commands.test.ts',
    shows: /unknown subcommands/,
  },
  {
    name: 'reading a cursor of a module is taken for a read',
    file: 'src/command/learned-commands.ts',
    from: "  ['ft.cursor', { cls: 'non-idempotent' }],\n",
    to: '',
    breaks: 'AtMostOnceUnderSafe',
    test: 'test/unit/command/learned-commands.test.ts',
    shows: /a cursor that is read is no read/,
  },
  {
    name: 'two users whose bytes look alike as text share a link',
    file: 'src/transport/secret.ts',
    from: 'return isUtf8(bytes) ? bytes.toString() : Buffer.from(bytes)',
    to: 'return isUtf8(bytes) || true ? bytes.toString() : Buffer.from(bytes)',
    breaks: 'a session works as its own user',
    test: 'test/wire/access-bytes.test.ts',
    shows: /after the links were lost|is up|served/,
  },
  {
    name: 'a library that gives up sooner than the hold ends is not named',
    file: 'src/client/accept/listener.ts',
    from: '    this.#shortTimeouts.start()\n    this.#handoff.holdBegins()\n',
    to: '    this.#handoff.holdBegins()\n',
    breaks: 'the log names who gives up',
    test: 'test/wire/short-timeouts.test.ts',
    shows: /the library is named/,
  },
]
