// docker/compose.yaml at work: its own Redis and Sentinel settings, Holdfast with its options, its client, and a kill.
import { join } from 'node:path'
import t from 'tap'
import { startHoldfastProcess } from '../support/holdfast.ts'
import { openWindow } from '../support/pace.ts'
import { ask } from '../support/resp-client.ts'
import { waitUntil } from '../support/wait-until.ts'
import { withoutCompose } from './compose-file.ts'
import { endChild, launch, startCompose } from './compose-world.ts'
import { root } from './manifests.ts'

const skip = withoutCompose()

t.test('the compose set — shows its client one delay and no error — when the master is killed', { skip }, async t => {
  const world = await startCompose(t)
  const { HOLDFAST_SENTINELS = '', HOLDFAST_MASTER = '' } = world.services.get('holdfast')?.environment ?? {}
  const sentinels = HOLDFAST_SENTINELS.split(',').map(name => `localhost:${world.port(name)}`)
  const holdfast = await startHoldfastProcess(t, { sentinels, masterName: HOLDFAST_MASTER })

  const lines: string[] = []
  const environment = { REDIS_URL: `redis://127.0.0.1:${holdfast.port}` }
  const client = launch([process.execPath, join(root, 'docker', 'client.mjs')], environment)
  t.teardown(() => endChild(client))
  client.stdout?.setEncoding('utf8').on('data', (text: string) => lines.push(...text.split('\n').filter(Boolean)))

  await waitUntil('two answers', () => lines.length >= 2, { withinMs: 20_000 })
  const before = lines.length
  const readPace = openWindow()
  await world.kill('redis-master')
  const held = (): boolean => lines.slice(before).some(line => line.endsWith('was held'))
  await waitUntil('an answer that was held', held, { withinMs: 40_000 })
  const late = lines.length
  await waitUntil('an answer after it', () => lines.length > late, { withinMs: 10_000 })

  t.strictSame(
    lines.filter(line => line.includes('ERROR')),
    [],
    'no error',
  )
  t.equal(client.exitCode, null, 'the client still runs')
  const delays = lines.slice(before).filter(line => line.endsWith('was held')).length
  // A machine that stands still delays answers by itself.
  if (readPace().stolenMs === 0) t.equal(delays, 1, 'one delay')
  else t.ok(delays >= 1, `${delays} delays on a machine that stood still`)
  await holdfast.stop()

  const [host, port] = await masterOf(world.port('sentinel-1'), HOLDFAST_MASTER)
  t.equal(host, 'localhost', 'Sentinel announces names, not addresses')
  t.ok(
    ['redis-replica-1', 'redis-replica-2'].some(name => world.port(name) === Number(port)),
    'a replica is master',
  )
})

t.test('the client of the compose file — says so and ends with 1 — when there is an error', async t => {
  const lines: string[] = []
  const client = launch([process.execPath, join(root, 'docker', 'client.mjs')], { REDIS_URL: 'redis://127.0.0.1:1' })
  t.teardown(() => endChild(client))
  client.stdout?.setEncoding('utf8').on('data', (text: string) => lines.push(text))
  await waitUntil('it ends', () => client.exitCode !== null && lines.length > 0, { withinMs: 20_000 })
  t.equal(client.exitCode, 1)
  t.match(lines.join(''), /ERROR .*ECONNREFUSED/)
})

async function masterOf(port: number, name: string): Promise<unknown[]> {
  const answer = await ask({ host: '127.0.0.1', port }, ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name])
  return Array.isArray(answer) ? answer : []
}
