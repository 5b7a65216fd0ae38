// Which clock: deadlines and ages are measured by performance.now(), which nobody can set. The clock on the wall may
// jump at any time, so what reads it is listed here, with the reason; test/wire/clock-jump.test.ts lets it jump.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const src = fileURLToPath(new URL('../../src', import.meta.url))
const wallClock = /\bDate\.now\(\)|\bnew Date\b|\bperformance\.timeOrigin\b/g

const shown = 'a moment that a person or Prometheus is shown'
const validity = 'a certificate is valid by the calendar'
const expiry = 'EXPIREAT and its kind name a moment by the calendar'

/** Every file that reads the clock on the wall, and why. */
const readers: Readonly<Record<string, string>> = {
  'check/node-evidence.ts': 'compares it with the clock of each node',
  'client/accept/tls-listener.ts': validity,
  'client/commands/send-blocking.ts': expiry,
  'client/commands/transaction-queue.ts': expiry,
  'client/state/handoff-notices.ts': 'numbers that grow over a restart, too',
  'config/tls-check.ts': validity,
  'ops/admin.ts': shown,
  'ops/late-lines.ts': shown,
  'ops/log.ts': shown,
  'ops/process-stats.ts': shown,
  'ops/admin-pages.ts': shown,
  'page/messages.ts': shown,
  'page/sampler.ts': shown,
  'proof/doubts.ts': expiry,
  'proof/sorter.ts': expiry,
  'proxy.ts': shown,
  'relay/failover-report.ts': shown,
  'relay/hold-stories.ts': shown,
  'relay/lane-handover.ts': expiry,
  'relay/not-ready-node.ts': expiry,
  'relay/pause-story.ts': shown,
  'relay/replay-rule.ts': expiry,
  'relay/take-back.ts': expiry,
  'transport/security.ts': validity,
  'transport/server-route.ts': validity,
}

function readsWallClock(code: string): boolean {
  const lines = code.split('\n').filter(line => !/^\s*(\/\/|\/?\*)/.test(line))
  return lines.some(line => line.search(wallClock) >= 0)
}

t.test('the clock on the wall — is seen where it is read — and not in comments', async t => {
  t.equal(readsWallClock('const late = Date.now() > dueAt'), true)
  t.equal(readsWallClock('  // Date.now() when the program was built\n  const at = performance.now()'), false)
})

t.test('the clock on the wall — is read for what the calendar is about — and for no deadline', async t => {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(path => path.endsWith('.ts'))
  const found = files.filter(path => readsWallClock(readFileSync(join(src, path), 'utf8')))
  t.strictSame(found.map(path => path.replaceAll('\\', '/')).sort(), Object.keys(readers).sort())
})
