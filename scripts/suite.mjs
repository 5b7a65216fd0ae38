// suite.mjs: runs test files side by side, longest first, as one TAP stream: node scripts/suite.mjs FILE ...
//
// tap's own runner starts files by the alphabet: then the last ones to start are long ones, and cores idle at the end.
// It also loads three modules into each file that nothing here uses.
// Owns: the order, and how many run at a time. Never: judges; who reads the stream does.
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './setup.mjs'

// Most files wait for Sentinels most of the time: two for each core keep it busy, and leave it time to be punctual.
const filesAtOnce = Math.max(4, Math.min(8, 2 * availableParallelism()))

/** A file that takes longer is ended. What a test waits for has a bound of its own, by the pace of the machine. */
export const fileLimitMs = 900_000

/**
 * What takes more than half a minute on a quiet machine, longest first. A name that is missing here costs time, no
 * more.
 */
export const longest = [
  'test/failover/acceptance-safe.test.ts',
  'test/deploy/dockerfile.test.ts',
  'test/faults/administrator.test.ts',
  'test/mutations/mutations.test.ts',
  'test/failover/acceptance.test.ts',
  'test/faults/sentinels.test.ts',
  'test/deploy/package.test.ts',
  'test/faults/network.test.ts',
  'test/faults/master.test.ts',
  'test/failover/demo.test.ts',
  'test/unit/sentinel/walk.test.ts',
  'test/faults/proxy.test.ts',
  'test/replicas/faults.test.ts',
  'test/deploy/kubernetes.test.ts',
  'test/failover/outage-dials.test.ts',
  'test/failover/check-tls.test.ts',
]

/** The rest, longest first. */
const folders = ['test/failover/', 'test/unit/relay/', 'test/unit/client/', 'test/deploy/', 'test/wire/', 'test/']

/** Longest first; of the same kind by name. */
export function inOrder(files) {
  const rank = file => {
    const known = longest.indexOf(file)
    return known >= 0 ? known : longest.length + folders.findIndex(folder => file.startsWith(folder))
  }
  return [...new Set(files)].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
}

async function main(files) {
  // Read by tap as it is loaded, here and in each file, in seconds: the bound of a test that names none.
  process.env.TAP_TIMEOUT = String(fileLimitMs / 1000)
  // What each file loads is compiled once.
  process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules', '.cache', 'compiled')
  const { default: t } = await import('tap')
  t.jobs = filesAtOnce
  // The whole has no bound: its files have.
  t.setTimeout(0)
  t.plan(files.length)
  endTogether(t)
  for (const file of inOrder(files)) {
    const there = existsSync(join(root, file))
    if (!there) t.fail(`${file} does not exist`)
    else
      t.spawn(process.execPath, [file], {
        name: file,
        cwd: root,
        buffered: true,
        timeout: fileLimitMs,
        at: null,
        stack: '',
      })
  }
}

/** Told to end, it tells its files first: each ends the servers it has started. */
function endTogether(t) {
  const started = new Set()
  t.on('spawn', file => started.add(file))
  for (const [signal, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
  ])
    process.once(signal, () => {
      for (const { proc } of started) proc?.kill('SIGTERM')
      process.exit(128 + number)
    })
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await main(process.argv.slice(2))
