// How often a Sentinel is asked, and that a crowd of sidecars asks no more than it can answer.
import t from 'tap'
import { questionAlongAt, questionDueAt, questionPauseMs } from '../../../src/sentinel/question-pace.ts'

const longest = () => 1
const shortest = () => 0
const quick = { tookMs: 0.2 }

const pauses: [title: string, situation: Parameters<typeof questionPauseMs>[0], least: number, most: number][] = [
  ['settled', { settled: true, hears: true, asked: 0, ...quick }, 2_500, 5_000],
  ['settled for long', { settled: true, hears: true, asked: 99, ...quick }, 2_500, 5_000],
  ['just unsettled', { settled: false, hears: true, asked: 0, ...quick }, 1_500, 3_000],
  ['unsettled for long', { settled: false, hears: true, asked: 99, ...quick }, 1_500, 3_000],
  ['deaf and settled', { settled: true, hears: false, asked: 0, ...quick }, 500, 1_000],
  ['deaf and just unsettled', { settled: false, hears: false, asked: 0, ...quick }, 15, 30],
  ['deaf and unsettled for long', { settled: false, hears: false, asked: 99, ...quick }, 125, 250],
  ['unsettled, and the Sentinel is slow', { settled: false, hears: true, asked: 0, tookMs: 100 }, 2_000, 4_000],
  ['deaf, and the Sentinel is slow', { settled: false, hears: false, asked: 0, tookMs: 10 }, 200, 400],
  ['unsettled, and the Sentinel is far away', { settled: false, hears: true, asked: 0, tookMs: 900 }, 2_500, 5_000],
]
for (const [title, situation, least, most] of pauses) {
  t.test(`pause — is ${least} to ${most} ms — when ${title}`, async t => {
    t.equal(questionPauseMs(situation, shortest), least)
    t.equal(questionPauseMs(situation, longest), most)
  })
}

t.test(
  'pauses — are twenty times what an answer takes at least — whatever that is, up to a quarter of a second',
  async t => {
    for (const hears of [true, false])
      for (const settled of [true, false])
        for (let tookMs = 1; tookMs <= 125; tookMs++)
          t.ok(questionPauseMs({ settled, hears, asked: 0, tookMs }, shortest) >= 20 * tookMs, `${tookMs} ms`)
  },
)

const dues: [title: string, last: Parameters<typeof questionDueAt>[0], due: number][] = [
  ['a pause after the answer', { pauseMs: 2_000, answeredAt: 1_000, heardAt: 0 }, 3_000],
  ['a pause after an event that came later', { pauseMs: 2_000, answeredAt: 1_000, heardAt: 2_500 }, 4_500],
  ['no later than a settled pause after the answer', { pauseMs: 2_000, answeredAt: 1_000, heardAt: 5_900 }, 6_000],
  ['a long pause after the answer of a slow one', { pauseMs: 9_000, answeredAt: 1_000, heardAt: 5_900 }, 10_000],
]
for (const [title, last, due] of dues) {
  t.test(`question — is due ${title}`, async t => {
    t.equal(questionDueAt(last), due)
  })
}

t.test('question — is put along with others — when the least pause that is ever drawn is over', async t => {
  const settled = { settled: true, hears: true, asked: 0, ...quick }
  t.equal(questionAlongAt({ answeredAt: 1_000, heardAt: 0 }), 1_000 + questionPauseMs(settled, shortest))
  t.equal(questionAlongAt({ answeredAt: 1_000, heardAt: 1_700 }), 1_700 + questionPauseMs(settled, shortest))
  for (const tookMs of [20, 125, 900])
    t.ok(questionPauseMs({ ...settled, tookMs }, shortest) <= questionAlongAt({ answeredAt: 0, heardAt: 0 }))
})
