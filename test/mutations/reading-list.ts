// reading-list.ts: known bugs of how a client is read from: what waits for whom, and how its end is noticed.
import type { Mutation } from './mutation.ts'

export const readingMutations: readonly Mutation[] = [
  {
    name: 'a client that does not read is not read from',
    file: 'src/client/session/socket-input.ts',
    from: '(!this.full && this.#session.readsAhead)',
    to: 'false',
    breaks: 'a client may write its whole pipeline before it reads',
    test: 'test/wire/pipelines.test.ts',
    shows: /every reply, as it was/,
  },
  {
    name: 'commands wait for replies that have no room',
    file: 'src/client/session/slow-reader.ts',
    from: '    this.#replies.liftWindow()\n    this.#input.unpause(Pause.pending)\n',
    to: '',
    breaks: 'a client may write its whole pipeline before it reads',
    test: 'test/wire/pipelines.test.ts',
    shows: /100 MB: every reply|is ended with its cause/,
  },
  {
    name: 'the command of a client that is gone blocks',
    file: 'src/client/commands/send-blocking.ts',
    from: '  if (context.inputEnded) {\n',
    to: '  if (context.gone) {\n',
    breaks: 'nothing blocks for a client that is gone',
    test: 'test/wire/gone-clients.test.ts',
    shows: /their sessions are over|every job is left/,
  },
  {
    name: 'what is held for a client that is gone is sent',
    file: 'src/relay/lane.ts',
    from: "this.#waiting.takeOut(request => (isBehind ||= request.blocking), 'gone')",
    to: "this.#waiting.takeOut(() => false, 'gone')",
    breaks: 'nothing blocks for a client that is gone',
    test: 'test/wire/gone-clients.test.ts',
    shows: /their sessions are over/,
  },
  {
    name: 'a subscriber that the server has ended is subscribed again',
    file: 'src/client/session/lane-choice.ts',
    from: 'if (hadEnough && isSame) {',
    to: 'if (hadEnough && !isSame) {',
    breaks: 'a client that does not read is ended, as directly',
    test: 'test/wire/subscriber-loss.test.ts',
    shows: /the client sees its end/,
  },
  {
    name: 'messages that were missed without a failover are told as if there had been one',
    file: 'src/client/state/missed-messages.ts',
    from: "const kind = isSame ? 'same' : 'moved'",
    to: "const kind = 'moved'",
    breaks: 'the log says when messages were missed',
    test: 'test/wire/subscriber-loss.test.ts',
    shows: /should be equal/,
  },
]
