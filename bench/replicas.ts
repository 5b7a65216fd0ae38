// replicas.ts: GET through the port for replicas beside HAProxy before the same replicas: 50 clients, one command at a
// time, rounds that alternate. It prints requests a second of each round, and the ratio of the medians.
//
//   node scripts/run.mjs bench/replicas.ts [rounds]
import { execFile, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { accepts } from '../src/transport/port-probe.ts'
import { startHoldfastProcess } from '../test/support/holdfast.ts'
import { SentinelSet } from '../test/support/sentinel-set.ts'
import { freePort } from '../test/support/servers.ts'
import { waitUntil } from '../test/support/wait-until.ts'

const run = promisify(execFile)
const teardowns: (() => unknown)[] = []
const t = { teardown: (work: () => unknown) => void teardowns.unshift(work) }

async function requestsASecond(port: number): Promise<number> {
  const args = ['-p', String(port), '-c', '50', '-n', '200000', '-t', 'get', '-q', '--csv']
  const { stdout } = await run('redis-benchmark', args)
  return Number(/"GET[^"]*","([\d.]+)"/.exec(stdout)?.[1] ?? Number.NaN)
}

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0

async function main(): Promise<void> {
  const rounds = Number(process.argv[2] ?? 5)
  const set = await SentinelSet.start({ replicas: 2 })
  t.teardown(() => set.stopAll())
  const [, ...replicas] = set.nodes
  const [port, haproxyPort] = [await freePort(), await freePort()]
  const options = { 'replica-listen': `127.0.0.1:${port}`, 'log-level': 'warn' }
  await startHoldfastProcess(t, { sentinels: set.sentinelAddresses(), options: { ...options, 'log-level': 'info' } })
  const config = [
    'global\n  nbthread 1\n  maxconn 1000',
    'defaults\n  mode tcp\n  timeout connect 2s\n  timeout client 60s\n  timeout server 60s',
    `frontend f\n  bind 127.0.0.1:${haproxyPort}\n  default_backend b`,
    `backend b\n  balance leastconn\n${replicas.map(({ name, port }) => `  server ${name} 127.0.0.1:${port}`).join('\n')}\n`,
  ].join('\n')
  const file = join(set.dir, 'haproxy.cfg')
  writeFileSync(file, config)
  const haproxy = spawn('haproxy', ['-f', file, '-db'], { stdio: 'ignore' })
  t.teardown(() => haproxy.kill())
  await waitUntil('HAProxy listens', () => accepts({ host: '127.0.0.1', port: haproxyPort }), { withinMs: 5_000 })
  const found: Record<'holdfast' | 'haproxy', number[]> = { holdfast: [], haproxy: [] }
  for (let round = 0; round < rounds; round++) {
    found.haproxy.push(await requestsASecond(haproxyPort))
    found.holdfast.push(await requestsASecond(port))
  }
  const ratio = median(found.holdfast) / median(found.haproxy)
  console.log(JSON.stringify({ ...found, ratio: Number(ratio.toFixed(2)) }))
}

try {
  await main()
} finally {
  for (const work of teardowns) await work()
}
