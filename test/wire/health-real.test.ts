// `holdfast health` against the admin port of a proxy that runs: before a master is served, before, during and after a
// kill -9 of the master, and through its stop.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { ask, probes, readStatus } from '../support/admin.ts'
import { childEnvironment } from '../support/child-environment.ts'
import { startHoldfastProcess, startSingle } from '../support/holdfast.ts'
import { reapChild } from '../support/reaper.ts'
import { RespClient } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { deadline, waitUntil } from '../support/wait-until.ts'

const source = join(fileURLToPath(new URL('../..', import.meta.url)), 'src', 'main.ts')

interface Ended {
  readonly code: number | null
  readonly stderr: string
}

/** Runs it as a probe does; the limit only keeps a test from hanging. */
function health(word: string, admin: string): Promise<Ended> {
  const argv = [source, 'health', word, '--admin-listen', admin.replace('http://', '')]
  const child = spawn(process.execPath, argv, { env: childEnvironment(), stdio: ['ignore', 'ignore', 'pipe'] })
  reapChild(child)
  const end = deadline(20_000, () => child.kill('SIGKILL'))
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  return new Promise(resolve => {
    child.once('close', code => {
      end()
      resolve({ code, stderr })
    })
  })
}

/** The probe gives up after a second of its own, which a busy machine may take for three fresh processes: asked again. */
function answered(word: string, admin: string): Promise<Ended> {
  const inTime = async (): Promise<Ended | undefined> => {
    const ended = await health(word, admin)
    return ended.stderr.includes('no answer within') ? undefined : ended
  }
  return waitUntil(`${word} is answered within a second`, inTime, { withinMs: 20_000 })
}

async function codes(admin: string): Promise<Record<string, number | null>> {
  const words = ['startup', 'live', 'ready'] as const
  const all = await Promise.all(words.map(async word => [word, (await answered(word, admin)).code] as const))
  return Object.fromEntries(all)
}

const well = { startup: 0, live: 0, ready: 0 }
const options = { 'admin-listen': '127.0.0.1:0', 'shutdown-delay': '60s' }

t.test('health — is 1 for startup alone, and says why — while no Sentinel can be reached', async t => {
  const holdfast = await startHoldfastProcess(t, {
    sentinels: ['127.0.0.1:1'],
    options: { 'admin-listen': '127.0.0.1:0' },
    expectedErrors: ['sentinels.trouble'],
  })
  t.strictSame(await codes(holdfast.admin), { ...well, startup: 1 })
  const { stderr } = await answered('startup', holdfast.admin)
  t.match(
    stderr,
    /\/startup: status 503: no master has been served yet: no Sentinel can be asked about the master \(0 of 1\)/,
  )
})

t.test('startup — is 503 while the node refuses our password, and 200 for good — once it has taken it', async t => {
  const { holdfast, node } = await startSingle(t, {
    options: { 'admin-listen': '127.0.0.1:0', 'redis-username': 'own', 'redis-password': 'secret', ack: 'master' },
    expectedErrors: ['master.probe_refused'],
  })
  const { status, body } = await ask(holdfast.admin, '/startup')
  t.equal(status, 503)
  t.equal(body, `${node.host}:${node.port} refuses our password: correct --redis-username and --redis-password\n`)
  t.strictSame(await probes(holdfast.admin), { startup: 503, ready: 200, live: 200 })
  const direct = await RespClient.connect(node.port)
  t.teardown(() => direct.close())
  await direct.send('ACL', 'SETUSER', 'own', 'on', '>secret', '+@all', '~*', '&*')
  const isUp = async (): Promise<boolean> => (await ask(holdfast.admin, '/startup')).status === 200
  await waitUntil('it is let in without a restart, and without a client', isUp, { withinMs: 10_000 })
  await direct.send('ACL', 'SETUSER', 'own', 'resetpass', '>other')
  t.equal(await isUp(), true, 'what was true once stays true')
})

t.test('health — is 0 through a kill -9, and 1 for ready from SIGTERM on — of a real set', async t => {
  const set = await SentinelSet.start({ failoverTimeoutMs: 5000 })
  t.teardown(() => set.stopAll())
  const holdfast = await startHoldfastProcess(t, { sentinels: set.sentinelAddresses(), options, expectedExitCode: 1 })
  const { admin } = holdfast
  await waitUntil('it has started', async () => (await ask(admin, '/startup')).status === 200, { withinMs: 10_000 })
  t.strictSame(await codes(admin), well, 'before')

  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  t.equal(await client.send('SET', 'k', 'v'), 'OK')
  const old = await set.currentMaster()
  const from = holdfast.log.length
  await set.kill(old)
  const held = client.send('SET', 'k', 'w')
  await waitUntil('it is held', async () => (await readStatus(admin)).held.requests === 1, { withinMs: 5000 })
  t.strictSame(await codes(admin), well, 'during')
  t.equal(await held, 'OK')
  await waitUntil('the hold is over', () => holdfast.find('hold.end', from), { withinMs: 10_000 })
  t.strictSame(await codes(admin), well, 'after')

  holdfast.signal('SIGTERM')
  await waitUntil('the stop has begun', () => holdfast.find('proxy.stopping'), { withinMs: 5000 })
  t.strictSame(await codes(admin), { ...well, ready: 1 }, 'within the delay')
  t.match((await answered('ready', admin)).stderr, '/ready: status 503: stopping\n')
  t.equal(await client.send('GET', 'k'), 'w', 'clients are served in the delay')
  await client.close()
  // The second signal ends it at once: nobody has to wait for the rest of the delay.
  holdfast.signal('SIGTERM')
  t.equal(await holdfast.ended, 1)
  const gone = await codes(admin)
  t.strictSame(gone, { startup: 1, live: 1, ready: 1 }, 'when it has ended')
})
