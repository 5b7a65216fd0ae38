// silence-list.ts — known bugs of slow servers and silent links, and of the links dialled ahead.
import type { Mutation } from './mutation.ts'

const handOver = 'test/unit/relay/hand-over.test.ts'
const silence = 'test/unit/relay/silence.test.ts'
const laneSilence = 'test/wire/lane-silence.test.ts'
const slowServer = 'test/wire/slow-server.test.ts'
const spareLinks = 'test/wire/spare-links.test.ts'
const handshake = 'test/unit/upstream/handshake.test.ts'

export const silenceMutations: readonly Mutation[] = [
  {
    name: 'a silent link is replaced although nobody else is answered',
    file: 'src/relay/silence.ts',
    from: "if (!othersAnswered) return 'ask'",
    to: '',
    breaks: 'bounded dials',
    test: silence,
    shows: /asks for "ask"/,
  },
  {
    name: 'all sessions wait for the one whose write is paused',
    file: 'src/relay/silence.ts',
    from: "return fresh === 'ready' ? 'retire' : 'wait'",
    to: "return 'wait'",
    breaks: 'one session\u2019s wait delays no other',
    test: silence,
    shows: /asks for "retire"/,
  },
  {
    name: 'a link is cut when the node says once that it has nothing of it',
    file: 'src/relay/silence.ts',
    from: 'if (quiet.strikes < 2 ||',
    to: 'if (quiet.strikes < 1 ||',
    breaks: 'a slow command is not sent twice',
    test: laneSilence,
    shows: /ends a link/,
  },
  {
    name: 'a link is cut although its command waits on the node',
    file: 'src/relay/silence.ts',
    from: "const waits = flags.includes('b') ||",
    to: 'const waits =',
    breaks: 'a slow command is not sent twice',
    test: silence,
    shows: /waits there for a pause/,
  },
  {
    name: 'a write that was sent is sent on the fresh link too',
    file: 'src/relay/hand-over.ts',
    from: 'if (first || (request.local === null && !isRead(request, learned))) going.stays = true',
    to: 'if (first) going.stays = true',
    breaks: 'nothing twice',
    test: handOver,
    shows: /takes who waits for reads/,
  },
  {
    name: 'a session leaves a silent link without all that it waits for',
    file: 'src/relay/hand-over.ts',
    from: ' || going.commands !== owner.pending) found',
    to: ') found',
    breaks: 'OrderKept',
    test: handOver,
    shows: /leaves a session whole/,
  },
  {
    name: 'the reply of the silent link is delivered behind that of the fresh one',
    file: 'src/relay/hand-over.ts',
    from: '  request.owner = nobody\n',
    to: '',
    breaks: 'one answer',
    test: handOver,
    shows: /leaves to the silent link a request that nobody hears/,
  },
  {
    name: 'sessions stay with the silent link',
    file: 'src/client/session.ts',
    from: 'if (this.pending === 0 && this.#choice.lane.retired) this.#choice.follow()',
    to: '',
    breaks: 'one session\u2019s wait delays no other',
    test: slowServer,
    shows: /delays no other session/,
  },
  {
    name: 'SCRIPT KILL waits behind the script',
    file: 'src/client/dispatch.ts',
    from: 'if (endsWaiting(spec, args)) return handleRescue(context, frame)\n      remember',
    to: 'remember',
    breaks: 'kills reach the server',
    test: slowServer,
    shows: /ends what others wait for/,
  },
  {
    name: 'a link comes up on database 0 because a script runs',
    file: 'src/upstream/handshake.ts',
    from: '      if (isBusy(frame, type)) return busy(frame)\n      if (type !== MINUS || lineOf',
    to: '      if (isBusy(frame, type)) return null\n      if (type !== MINUS || lineOf',
    breaks: 'commands run on their database',
    test: handshake,
    shows: /a database cannot be chosen/,
  },
  {
    name: 'a subscription is overtaken by what is published behind it',
    file: 'src/client/dispatch.ts',
    from: '  context.lane.hurry()\n',
    to: '',
    breaks: 'the first session that needs a link has it at once',
    test: spareLinks,
    shows: /misses nothing/,
  },
  {
    name: 'no link is dialled ahead',
    file: 'src/proxy.ts',
    from: "spares: 'warm'",
    to: "spares: 'none'",
    breaks: 'the first session that needs a link has it at once',
    test: spareLinks,
    shows: /misses nothing/,
  },
]
