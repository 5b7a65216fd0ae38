// ack-list.ts: known bugs of --ack replicated: what is told too early, out of order, or not at all.
import type { Mutation } from './mutation.ts'

const wire = 'test/wire/ack.test.ts'
const line = 'test/unit/ack/withheld.test.ts'

export const ackMutations: readonly Mutation[] = [
  {
    name: 'the link that asks replicas is dialled without a pause where its login is refused',
    file: 'src/ack/barrier.ts',
    from: 'if (this.#attempt <= 1 || this.#dialled === null || !isSameTerm(this.#dialled, master)) this.#endPause()',
    to: 'this.#endPause()',
    breaks: 'nobody dials a refusing node without a pause',
    test: 'test/wire/access-refused.test.ts',
    shows: /connections in 3 s/,
  },
  {
    name: 'a block that waits for a field is not sent when a confirmation frees one',
    file: 'src/proof/batcher.ts',
    from: 'room: () => this.#sendUnsentSoon(),',
    to: 'room: () => {},',
    breaks: 'the commands behind it wait until something else is read on the link',
    test: wire,
    shows: /all are answered/,
  },
  {
    name: 'a confirmation releases what came behind its question',
    file: 'src/ack/withheld.ts',
    from: 'item !== undefined && item.arrived <= arrived; item',
    to: 'item !== undefined && item.arrived <= arrived + 1; item',
    breaks: 'an acknowledged write is on no replica',
    test: line,
    shows: /a confirmation releases what came before its question/,
  },
  {
    name: 'a replica confirms while a failover is announced',
    file: 'src/ack/barrier.ts',
    from: '    if (this.#asked !== null) this.#asked.isVoid = true\n',
    to: '',
    breaks: 'a stalled old master gets the word of a replica that is not the one promoted',
    test: wire,
    shows: /it may not be the one that is promoted/,
  },
  {
    name: 'a withheld reply is lost with its link',
    file: 'src/proof/doubts.ts',
    from: "const isKept = request.kept !== null && verdict === 'applied'",
    to: 'const isKept = false',
    breaks: 'the client gets APPLIED, although the reply was here',
    test: wire,
    shows: /the new master has a withheld write/,
  },
  {
    name: 'a reply overtakes a withheld one of its session',
    file: 'src/ack/withheld.ts',
    from: 'return this.#owners.has(request.owner) || this.#needs.reply(request)',
    to: 'return this.#needs.reply(request)',
    breaks: 'RepliesInOrder: a client takes the reply of one command for that of another',
    test: wire,
    shows: /keep their order/,
  },
  {
    name: 'reads are never withheld',
    file: 'src/ack/needs.ts',
    from: 'return this.writes(request) || (this.#committed && shows(request))',
    to: 'return this.writes(request)',
    breaks: '--reads committed shows what a crash takes back',
    test: wire,
    shows: /what may be lost is not shown/,
  },
  {
    name: 'what the marker has shown is told before replicas have it',
    file: 'src/ack/needs.ts',
    from: '    if (this.#isProven(request)) return true\n    return request.sends > 0',
    to: '    return false && request.sends > 0',
    breaks: 'an acknowledged write is lost with the second master',
    test: wire,
    shows: /its reply comes when that one’s replica has it/,
  },
]
