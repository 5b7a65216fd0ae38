// relay-list.ts: known bugs of what a lane makes of replies: refusals, withheld replies.
import type { Mutation } from './mutation.ts'

const scenes = 'test/unit/relay/lane-scenes.test.ts'
const refusal = 'test/unit/relay/refusal-texts.test.ts'
const loss = 'test/wire/lane-loss.test.ts'
const promotion = 'test/wire/promotion.test.ts'

export const relayMutations: readonly Mutation[] = [
  {
    name: 'a script that answers READONLY has its link cut',
    file: 'src/relay/refusal-texts.ts',
    from: '  if (command === null || !mayRunClientCode(command)) {',
    to: '  if (command !== undefined) {',
    breaks: 'NoDoubleWhileHealthy: a refusal is known by who may have said it',
    test: scenes,
    shows: /READONLY — said by a script/,
  },
  {
    name: 'what a handler answers as it is sent waits for the next reply',
    file: 'src/relay/lane.ts',
    from: '        if (request.local !== null) link.settleHead()\n',
    to: '',
    breaks: 'one answer, as soon as it is known',
    test: loss,
    shows: /answers as it is sent/,
  },
  {
    name: 'a refusal is known by its first word',
    file: 'src/relay/refusal-texts.ts',
    from: '  if (!isWhole) return null\n',
    to: '',
    breaks: 'a script’s own words are its reply at once',
    test: refusal,
    shows: /is none — where a script says more or less/,
  },
  {
    name: 'a script that a replica has refused has its error passed on',
    file: 'src/relay/lane-refusals.ts',
    from: "      this.#question = 'wrong-node'",
    to: "      this.#question = 'own reply'",
    breaks: 'FailoverUnseen',
    test: scenes,
    shows: /READONLY — of a script on a node that is no master/,
  },
  {
    name: 'what ran before a node was deposed counts as refused',
    file: 'src/relay/not-ready-node.ts',
    from: 'if (!refused && this.deposed) this.#unknown.add(single)\n    else ',
    to: 'if (!refused && this.deposed) this.#owners.add(single.owner)\n    else ',
    breaks: 'NoDoubleUnderSafe',
    test: loss,
    shows: /judges what is behind it by its replies, safe/,
  },
  {
    name: 'what is behind a reply in doubt is looked at',
    file: 'src/upstream/link.ts',
    from: '        if (this.pauses.stalled !== null) break\n',
    to: '',
    breaks: 'OrderKept',
    test: loss,
    shows: /of a script in the server’s words/,
  },
  {
    name: 'replies of the old master are delivered after the promotion',
    file: 'src/relay/lane.ts',
    from: 'this.link?.pause(Pausing.withheld)',
    to: 'this.link?.owed()',
    breaks: 'NothingOfTheDeposed',
    test: scenes,
    shows: /is not delivered once a replica may be promoted/,
  },
  {
    name: 'the choice of a replica withholds nothing',
    file: 'src/sentinel/failover.ts',
    from: "'elected', context, event.replica !== null)",
    to: "'elected', context, event.replica === null && failover !== null)",
    breaks: 'no reply of the old master is delivered once a replica may be promoted',
    test: 'test/unit/sentinel/failover.test.ts',
    shows: /withholds/,
  },
  {
    name: 'what was withheld stays so after an aborted failover',
    file: 'src/relay/lanes.ts',
    from: 'this.each(lane => lane.link?.resume(Pausing.withheld))',
    to: 'this.each(() => {})',
    breaks: 'EveryRequestEnds',
    test: promotion,
    shows: /does not come about/,
  },
  {
    name: 'what was read late is delivered at once',
    file: 'src/upstream/turn.ts',
    from: 'return this.#late || now - this.#tickedAt > LATE_MS',
    to: 'return this.#late && now < this.#tickedAt',
    breaks: 'NothingOfTheDeposed: the announcement may be in a Sentinel’s socket',
    test: scenes,
    shows: /was read late/,
  },
]
