// Two operators at one set, and proxies that cannot be paused: each is told who is in the way and what to do, and nobody
// ends the work of another.
import t, { type Test } from 'tap'
import { ControlClient } from '../../src/control/client.ts'
import { holdPause } from '../../src/control/held-pause.ts'
import type { ControlError } from '../../src/control/protocol.ts'
import { controlPath, openControl, startProgram } from '../support/control.ts'
import { judgeClients, serves } from '../support/drilled.ts'
import { startHoldfast } from '../support/holdfast.ts'
import { hurry } from '../support/sentinel-pace.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import {
  type JsonFinding,
  runSwitchover,
  type Stage,
  setPriority,
  stageOf,
  startDrill,
  startSwitchover,
  startUntil,
} from '../support/switchover.ts'
import { waitUntil } from '../support/wait-until.ts'
import { startWorkload } from '../support/workload.ts'

const SERVED_MS = 3_000
/** A promotion that comes to nothing ends after failover-timeout (10 s). */
const ABORTED_MS = 30_000

const byOperator = { master: null, by: 'switchover', maxMs: 60_000, emptyMs: 2000, leaseMs: 5000, ignoreBlocked: true }

function problemsOf(findings: readonly JsonFinding[]): readonly JsonFinding[] {
  return findings.filter(({ level }) => level === 'problem')
}

/** Another proxy in front of the set. */
async function anotherStage(t: Test, set: SentinelSet, options: Record<string, string> = {}): Promise<Stage> {
  const path = await controlPath(t)
  const sentinels = set.sentinelAddresses()
  const holdfast = await startHoldfast(t, { sentinels, options: { 'control-socket': path, ...options } })
  await waitUntil('the master is served', () => holdfast.find('hold.end'), { withinMs: 10_000 })
  return { set, holdfast, path }
}

t.test('operators — in each other’s way — are told who, and what to do', async t => {
  const set = await SentinelSet.start()
  t.teardown(() => set.stopAll())
  await hurry(set.sentinels)
  const stage = await stageOf(t, set)
  const load = startWorkload({ port: stage.holdfast.port })
  t.teardown(() => load.stop({ withinMs: 0 }))
  const control = await openControl(t, stage.path)
  const ready = async (): Promise<void> => {
    await set.settle()
    await hurry(set.sentinels)
  }
  /** It has printed this. @throws Error with all that it has printed where it ended without. */
  await t.test('a pause lasts — nothing is done', async t => {
    await control.ask('pause', { maxMs: 30_000, by: 'ctl' })
    const { code, report } = await runSwitchover(t, stage)
    t.equal(code, 1)
    t.match(problemsOf(report.findings), [
      { id: 'proxy.paused', text: /^is paused already, by ctl for .* ends in .* at the latest$/, remedy: /ctl resume/ },
    ])
    await control.ask('resume')
  })

  await t.test('another switchover pauses it — nothing is done, and nobody is told to end that', async t => {
    const other = await openControl(t, stage.path)
    const pause = await holdPause(other, byOperator)
    const drill = await startDrill(t, stage, ['--json']).ended
    t.equal(drill.code, 1, drill.stdout)
    t.match(problemsOf(JSON.parse(drill.stdout).findings), [
      { id: 'proxy.paused', remedy: 'somebody runs holdfast switchover now: wait for its end' },
    ])
    const ctl = await startProgram(t, ['ctl', 'pause', '--control-socket', stage.path]).ended
    t.equal(ctl.code, 1)
    t.match(ctl.stderr, /is paused already for \d+ ms, by switchover; somebody runs holdfast switchover now: wait/)
    await pause.resume()
  })

  await t.test(
    'a pause begins behind the checks — exit code 3, with the cause and the remedy of the proxy',
    async t => {
      await ready()
      const other = await openControl(t, stage.path)
      // The moment may come at once. Then the switchover was first.
      for (let i = 0; i < 5; i++) {
        const running = await startUntil(set, () => startSwitchover(t, stage, []), 'Holdfast switchover of master')
        const pause = await holdPause(other, byOperator).catch(() => null)
        const { code, stdout } = await running.ended
        if (pause === null || code === 1) {
          await pause?.resume()
          await ready()
          continue
        }
        await pause.resume()
        t.equal(code, 3, stdout)
        t.match(stdout, /Aborted: the master mymaster is paused already for \d+ ms, by switchover\. The master is 127/)
        t.match(stdout, /\nremedy: somebody runs holdfast switchover now: wait for its end\n/)
        return
      }
      t.fail('the pause never came between the checks and the hold')
    },
  )

  await t.test('ctl pause and ctl resume meanwhile — the first is refused, the second told', async t => {
    await ready()
    // Another connection: the proxy ends one that has asked nothing for a minute.
    const control = await openControl(t, stage.path)
    const running = await startUntil(set, () => startSwitchover(t, stage, []), '\n hold ')
    const refused = await control.ask('pause', { maxMs: 1000, by: 'ctl' }).catch((error: ControlError) => error.failure)
    t.match(refused, { code: 'paused', cause: /by switchover$/, remedy: /wait for its end$/ })
    await control.ask('resume')
    const { code, stdout } = await running.ended
    t.ok(code === 3 || code === 4, `exit code ${code}: ${stdout}`)
    t.match(stdout, /(Aborted|Not seen to its end): the pause ended \(resume\)\./)
    if (code === 3) t.match(stdout, /remedy: somebody else has run holdfast ctl resume: agree with them/)
    await serves(t, stage, ABORTED_MS)
  })

  await t.test('somebody moves the master within a drill — the drill leaves it there, exit code 5', async t => {
    await ready()
    const first = await set.currentMaster()
    const from = stage.holdfast.log.length
    const running = await startUntil(set, () => startDrill(t, stage, []), '\n follow ')
    const before = await set.currentMaster()
    // The third node is preferred. The first one was demoted just now: who promotes it before each Sentinel has seen that
    // has it demoted again, and nothing is moved.
    const third = set.nodes.find(node => node !== first && node !== before)
    if (third === undefined) throw new Error('a set of three')
    await setPriority(set, third, '10')
    await set.failover()
    const { node: now } = await set.waitForNewMaster(before, { withinMs: 30_000 })
    t.equal(now, third)
    const { code, stdout } = await running.ended
    t.equal(code, 5, stdout)
    t.match(stdout, new RegExp(`Not back: .*somebody else, or a fault, .*The master is 127.0.0.1:${now.port}, and`))
    t.match(stdout, /\nremedy: .*agree with them/)
    t.equal(await set.currentMaster(), now, 'the drill has not moved it again')
    t.match(stage.holdfast.find('pause.start', from), { by: 'drill' }, 'the log names the drill')
    await set.command(third, 'CONFIG', 'SET', 'replica-priority', '100')
    await serves(t, stage, SERVED_MS)
  })

  await ready()
  await judgeClients(t, [load], set)

  // Two proxies in one process have one name at the servers: what comes through the other one would be a writer past it.
  await t.test('the proxy ends within a drill — exit code 5, and a report', async t => {
    await ready()
    const other = await anotherStage(t, set)
    const running = await startUntil(set, () => startDrill(t, other, []), '\n follow ')
    await other.holdfast.stop()
    const { code, stdout, stderr } = await running.ended
    t.equal(stderr, '')
    t.equal(code, 5, stdout)
    t.match(stdout, /Not back: .*the proxy .*has closed|Not back: the proxy is gone: /)
    t.match(stdout, /\nremedy: /)
  })

  await t.test('a proxy on a dry run — nothing is done', async t => {
    await ready()
    // With markers Holdfast refuses it.
    const dryRun = { 'dry-run': 'on', 'retry-policy': 'always', ack: 'master', reads: 'plain' }
    const { code, report } = await runSwitchover(t, await anotherStage(t, set, dryRun))
    t.equal(code, 1)
    t.match(problemsOf(report.findings), [{ id: 'proxy.dry_run', remedy: 'start it without --dry-run' }])
  })

  await t.test('a hold time that the switchover may outlast — is that of the proxy — nothing is done', async t => {
    await ready()
    const asked = ['--dry-run', '--hold-timeout', '60s']
    const short = await runSwitchover(t, await anotherStage(t, set, { 'hold-timeout': '5s' }), asked)
    t.equal(short.code, 1)
    const text = 'a command waits 5000 ms at most, and the switchover may take 10000 ms'
    t.match(problemsOf(short.report.findings), [{ id: 'hold.shorter_than_timeout', text }])
    const long = await runSwitchover(t, stage, ['--dry-run', '--hold-timeout', '5s'])
    t.notOk(long.report.findings.some(({ id }) => id === 'hold.shorter_than_timeout'))
  })

  await t.test('the name of another master — is told with the one that is served', async t => {
    const words = ['switchover', '--json', '--listen', '127.0.0.1:0', '--master', 'other']
    const common = ['--sentinels', set.sentinelAddresses().join(','), '--control-socket', stage.path]
    const { code, stdout } = await startProgram(t, [...words, ...common]).ended
    t.equal(code, 1)
    const found = problemsOf(JSON.parse(stdout).findings).find(({ id }) => id === 'proxy.unreachable')
    t.match(found, { text: /serves no master of the name other$/, remedy: /^it serves mymaster: correct the name/ })
  })
})

t.test('operators — a proxy that is not there — each command says so', async t => {
  const path = await controlPath(t)
  const flags = ['--sentinels', '127.0.0.1:1', '--master', 'a', '--control-socket', path]
  for (const word of ['switchover', 'drill']) {
    const { code, stdout, stderr } = await startProgram(t, [word, ...flags]).ended
    t.equal(code, 1)
    t.equal(stderr, '')
    t.match(stdout, /PROBLEM {2}proxy +there is no socket at .*\n +remedy: start the proxy with --control-socket/)
  }
  t.equal(await ControlClient.open(path).catch((error: ControlError) => error.failure.code), 'no-socket')
})
