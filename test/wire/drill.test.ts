// `holdfast drill --hold`, with real clients: one whose time-outs are too short is named, and a patient one is not.
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { controlPath, runProgram, startProgram } from '../support/control.ts'
import { startSingle } from '../support/holdfast.ts'
import { without } from '../support/needs.ts'
import { ask } from '../support/resp-client.ts'
import { resumeServer, stopServer } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

const skip = without('redis-server')

/** One command after the other, each awaited, whatever comes of it; until the test is over. */
function useAlways(
  t: Test,
  act: () => Promise<unknown>,
): { done: number; failed: number; readonly ended: Promise<void> } {
  const count = { done: 0, failed: 0 }
  let isOver = false
  const loop = async (): Promise<void> => {
    while (!isOver) {
      await act().then(
        () => count.done++,
        () => count.failed++,
      )
      await new Promise(resolve => setTimeout(resolve, 5))
    }
  }
  const ended = loop()
  t.teardown(() => {
    isOver = true
    return ended
  })
  return Object.assign(count, { ended })
}

t.test('drill — names the clients that give up — by library, address and what they did', { skip }, async t => {
  const path = await controlPath(t)
  const { holdfast, node } = await startSingle(t, { options: { 'control-socket': path } })
  const { port } = holdfast

  const patient = new Redis({ port, connectionName: 'patient' })
  const hasty = new Redis({ port, connectionName: 'hasty', commandTimeout: 300 })
  const leaver = new Redis({ port, connectionName: 'leaver', socketTimeout: 1500 })
  for (const client of [patient, hasty, leaver]) client.on('error', () => {})
  t.teardown(() => {
    patient.disconnect()
    hasty.disconnect()
    leaver.disconnect()
  })
  const uses = [
    useAlways(t, () => patient.incr('patient')),
    useAlways(t, () => hasty.incr('hasty')),
    useAlways(t, () => leaver.incr('leaver')),
  ]
  await waitUntil('all are at work', () => uses.every(({ done }) => done > 3), { withinMs: 10_000 })
  const before = holdfast.counters.masterBytesOut
  const { code, stdout, stderr } = await runProgram(t, ['drill', '--hold', '5s', '--json', '--control-socket', path])
  t.equal(stderr, '')
  t.equal(code, 1, 'one has closed its connection')
  const [report] = JSON.parse(stdout)
  t.match(report, { master: 'mymaster', ended: 'resume' })
  const did = (name: string) => report.accounts.find((one: { name: string }) => one.name === name)
  t.match(did('patient'), { did: 'waited', library: 'ioredis', cameBack: false })
  t.match(did('hasty'), { did: 'sent-on', library: 'ioredis', command: 'incr' })
  t.match(did('leaver'), { did: 'closed', library: 'ioredis', cameBack: true, address: /^127\.0\.0\.1:\d+$/ })
  t.ok(did('leaver').afterMs >= 1000 && did('leaver').afterMs <= report.heldMs)
  t.ok(holdfast.counters.masterBytesOut > before, 'clients go on')
  t.match(holdfast.find('pause.start'), { by: 'drill', ignoreBlocked: true })
  t.match(holdfast.find('pause.end'), { why: 'resume' })
  t.equal(uses[0]?.failed, 0)
  t.match(await ask(node, ['GET', 'patient']), /\d+/)
})

t.test('drill — without a client that gives up — exit code 0, in words', { skip }, async t => {
  const path = await controlPath(t)
  const { holdfast } = await startSingle(t, { options: { 'control-socket': path } })
  const patient = new Redis({ port: holdfast.port })
  t.teardown(() => patient.disconnect())
  const use = useAlways(t, () => patient.incr('n'))
  await waitUntil('it is at work', () => use.done > 3, { withinMs: 10_000 })
  const { code, stdout } = await runProgram(t, ['drill', '--hold', '600ms', '--control-socket', path])
  t.equal(code, 0)
  t.match(
    stdout,
    /^mymaster: commands were held for 0\.\d s; 1 sessions waited and kept their connection, 0 asked for nothing\n$/,
  )
})

t.test('drill — wrong options, and a proxy that is paused already — are told', { skip }, async t => {
  const path = await controlPath(t)
  t.match(await runProgram(t, ['drill']), { code: 2, stderr: /--sentinels/ })
  t.match(await runProgram(t, ['drill', '--hold']), { code: 2, stderr: /--hold: expected a value/ })
  t.match(await runProgram(t, ['drill', '--hold', 'x']), { code: 2, stderr: /--hold: got "x"/ })
  t.match(await runProgram(t, ['drill', '--hold', '1s']), { code: 2, stderr: /needs --control-socket/ })
  const socket = ['--control-socket', path]
  t.match(await runProgram(t, ['drill', 'a', 'b', '--hold', '1s', ...socket]), { code: 2, stderr: /at most one word/ })
  t.match(await runProgram(t, ['drill', 'a', '--hold', '1s', '--master', 'b']), {
    code: 2,
    stderr: /two masters are named/,
  })
  // An option of the proxy by this name would be ignored, and the hold be real.
  t.match(await runProgram(t, ['drill', '--hold', '1s', '--dry-run', ...socket]), {
    code: 2,
    stderr: /drill --hold: takes no --dry-run: it acts at once.*\nholdfast: see holdfast drill --help\n$/,
  })
  await startSingle(t, { options: { 'control-socket': path } })
  const env = { HOLDFAST_CONTROL_SOCKET: path }
  t.match(await runProgram(t, ['drill', 'other', '--hold', '1s'], env), {
    code: 1,
    stderr: /serves no master of the name "other"; name one of mymaster/,
  })
  t.match(await runProgram(t, ['ctl', 'pause'], env), { code: 0 })
  t.match(await runProgram(t, ['drill', '--hold', '1s'], env), {
    code: 1,
    stdout: '',
    stderr: /is paused already .* by ctl/,
  })
})

t.test('drill — Ctrl-C — ends the hold at once, and reports what was seen', { skip }, async t => {
  const path = await controlPath(t)
  const { holdfast } = await startSingle(t, { options: { 'control-socket': path } })
  const patient = new Redis({ port: holdfast.port })
  t.teardown(() => patient.disconnect())
  const use = useAlways(t, () => patient.incr('n'))
  await waitUntil('it is at work', () => use.done > 3, { withinMs: 10_000 })
  const running = startProgram(t, ['drill', 'mymaster', '--hold', '5m', '--control-socket', path])
  await waitUntil('it is held', () => holdfast.find('pause.reached'), { withinMs: 20_000 })
  const before = use.done
  running.child.kill('SIGINT')
  await waitUntil('commands are sent', () => use.done > before, { withinMs: 5000 })
  const { code, stdout } = await running.ended
  t.equal(code, 1, 'the hold was shorter than it was to be')
  t.match(stdout, /^mymaster: commands were held for .*\nsomebody stopped it early\n$/)
  t.match(holdfast.find('pause.end'), { why: 'resume' })
})

t.test('drill — Ctrl-C while the master does not answer — ends the hold at once, and says so', { skip }, async t => {
  const path = await controlPath(t)
  const { holdfast, node } = await startSingle(t, { options: { 'control-socket': path } })
  const client = new Redis({ port: holdfast.port })
  t.teardown(() => client.disconnect())
  await client.incr('n')
  await stopServer(node)
  t.teardown(() => resumeServer(node))
  const reply = client.incr('n')
  const running = startProgram(t, ['drill', '--hold', '5m', '--control-socket', path])
  await waitUntil('it is asked for', () => holdfast.find('pause.start'), { withinMs: 20_000 })
  running.child.kill('SIGINT')
  const { code, stderr } = await running.ended
  t.equal(code, 1)
  t.match(stderr, /the pause ended before everything was answered \(resume\)/)
  t.match(holdfast.find('pause.end'), { why: 'resume' })
  resumeServer(node)
  t.equal(await reply, 2)
})
