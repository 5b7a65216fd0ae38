import t from 'tap'
import { candidateOf, knownSentinels, majorityBelow, majorityOf, type Vote } from '../../../src/sentinel/majority.ts'

const vote = (voter: string, port: number, epoch: number): Vote => ({ voter, address: { host: 'h', port }, epoch })

const known: [title: string, seeds: number, reported: number[], voters: number, n: number][] = [
  ['three seeds agree', 3, [3, 3, 3], 3, 3],
  ['nobody has answered', 3, [], 0, 3],
  ['one of three claims a hundred others', 3, [3, 101, 3], 3, 3],
  ['one of three was wiped', 1, [1, 3, 3], 3, 3],
  ['one seed reports five', 1, [5], 1, 5],
  ['two reports differ: the upper counts', 1, [3, 5], 2, 5],
  ['more vote than anybody reports', 1, [3, 3, 3], 5, 5],
  ['a single Sentinel', 1, [1], 1, 1],
]
for (const [title, seeds, reported, voters, n] of known) {
  t.test(`known Sentinels — are ${n} — when ${title}`, async t => {
    t.equal(knownSentinels(seeds, reported, voters), n)
  })
}

t.test('majority — is more than half — for any number', async t => {
  t.strictSame([1, 2, 3, 4, 5, 6, 7].map(majorityOf), [1, 2, 2, 3, 3, 4, 4])
})

const candidates: [title: string, votes: Vote[], majority: number, result: [number, number] | null][] = [
  ['two of three agree', [vote('a', 1, 4), vote('b', 1, 4), vote('c', 2, 5)], 2, [1, 4]],
  ['nobody agrees', [vote('a', 1, 4), vote('b', 2, 4), vote('c', 3, 5)], 2, null],
  ['one alone has a higher epoch', [vote('a', 2, 99)], 2, null],
  ['one of the voters inflates the epoch', [vote('a', 1, 99), vote('b', 1, 4), vote('c', 1, 4)], 2, [1, 4]],
  ['one of the voters lags', [vote('a', 1, 5), vote('b', 1, 5), vote('c', 1, 3)], 2, [1, 5]],
  ['one process answers twice', [vote('a', 1, 4), vote('a', 1, 4)], 2, null],
  ['no votes', [], 1, null],
]
for (const [title, votes, majority, result] of candidates) {
  t.test(`candidate — ${result ? `port ${result[0]} epoch ${result[1]}` : 'none'} — when ${title}`, async t => {
    const candidate = candidateOf(votes, majority)
    t.strictSame(candidate && [candidate.address.port, candidate.epoch], result)
  })
}

t.test("lower epoch — is a majority's word — only when a majority reports one", async t => {
  t.equal(majorityBelow([vote('a', 1, 0), vote('b', 1, 0), vote('c', 1, 5)], 5, 2), true)
  t.equal(majorityBelow([vote('a', 1, 3), vote('c', 1, 5)], 5, 2), false)
})
