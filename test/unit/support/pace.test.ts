import t from 'tap'
import { judgeBound, judgeOnce, judgeUnlessStill } from '../../support/judge-bound.ts'
import { addExcuse, onExcuse, openWindow, slowness, slownessNow, type Window } from '../../support/pace.ts'
import { waitUntil } from '../../support/wait-until.ts'

/** Nothing of this process runs for this long. */
function standStill(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

/** What a judge was told. */
class Heard {
  readonly told: string[] = []
  pass(name: string, extra?: { skip: string }): void {
    this.told.push(extra === undefined ? `pass ${name}` : `skip ${name}: ${extra.skip}`)
  }
  fail(name: string): void {
    this.told.push(`fail ${name}`)
  }
  comment(text: string): void {
    this.told.push(`comment ${text}`)
  }
}

const calm: Window = { elapsedMs: 500, stolenMs: 0, lagMs: 0, slowness: 1, calm: true }
const stolen: Window = { elapsedMs: 500, stolenMs: 300, lagMs: 0, slowness: 1, calm: false }

t.test('pace — counts a standstill as stolen — also before its next tick', async t => {
  await pause(50)
  const read = openWindow()
  standStill(400)
  const { stolenMs, elapsedMs, calm } = read()
  t.ok(stolenMs >= 200, `${Math.round(stolenMs)} ms of ${Math.round(elapsedMs)}`)
  t.ok(stolenMs <= elapsedMs)
  t.notOk(calm)
})

t.test('pace — says how slow the machine is — never faster than a usual one', async t => {
  t.ok(slowness() >= 1)
  t.ok(Number.isFinite(slowness()))
  t.ok((await slownessNow()) >= 1, 'by a probe of this moment')
})

t.test('waitUntil — does not count stolen time — and looks once more after its deadline', async t => {
  let there = false
  setTimeout(() => {
    standStill(600)
    there = true
  }, 20)
  await waitUntil('what came in the standstill', () => there, { withinMs: 300 })
  t.pass('found')
})

t.test('waitUntil — begins anew — while a server excuses itself', async t => {
  const told: string[] = []
  onExcuse(why => told.push(why))
  let asked = 0
  const end = addExcuse(async () => (++asked <= 2 ? 'a Sentinel is in TILT' : null))
  t.teardown(end)
  await t.rejects(
    waitUntil('nothing', () => false, { withinMs: 2500, everyMs: 50 }),
    { message: /^nothing: not within 2500 ms .*a Sentinel is in TILT.*; last seen: false$/ },
  )
  t.strictSame(told, ['a Sentinel is in TILT', 'a Sentinel is in TILT'])
})

t.test('a bound — is kept or broken — by a calm window', async t => {
  const heard = new Heard()
  await judgeOnce(heard, 'a reply', 100, 99, stolen)
  await judgeOnce(heard, 'a reply', 100, 101, calm, async () => 1)
  t.strictSame(heard.told, [
    'pass a reply: 99 ms, promised within 100 ms',
    'fail a reply: 101 ms, promised within 100 ms',
  ])
})

t.test('what a standstill may break — is judged — where none was', async t => {
  const heard = new Heard()
  judgeUnlessStill(heard, 'a link lives', true, stolen)
  judgeUnlessStill(heard, 'a link lives', false, calm)
  judgeUnlessStill(heard, 'a link lives', false, stolen)
  t.match(heard.told, [
    /^pass a link lives$/,
    /^fail a link lives$/,
    /^skip a link lives: not judged: the machine stood still for \d+ ms$/,
  ])
})

t.test('a bound — is not judged by a calm window — when the machine is slow right after it', async t => {
  const heard = new Heard()
  await judgeOnce(heard, 'a reply', 100, 101, calm, async () => 3)
  t.match(heard.told, [/^skip a reply: 101 ms, promised within 100 ms: not judged: .* was 3\.0 times slower$/])
})

t.test('a bound — is not judged, and never passed — when time was stolen each time', async t => {
  const heard = new Heard()
  const rounds: number[] = []
  await judgeBound(heard, 'a reply', 100, round => {
    rounds.push(round)
    standStill(400)
    return 400
  })
  t.strictSame(rounds, [1, 2, 3])
  t.equal(heard.told.length, 3)
  t.match(heard.told[2], /^skip a reply: 400 ms, promised within 100 ms: not judged: the machine stood still for /)
})
