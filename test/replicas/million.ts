// million.ts: a million commands through --read-split while replicas lag and stall: does every session read what it wrote?
//
//   node scripts/run.mjs test/replicas/million.ts [commands] [--blind]
//
// With --blind it runs a copy of the program that does not ask whether a replica has what the session wrote: it must find
// wrong replies, or it could not find any. Prints what it found; exit code 0: what was expected.
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { mutate } from '../mutations/mutation.ts'
import { replicasMutations } from '../mutations/replicas-list.ts'
import { ask } from '../support/admin.ts'
import { FaultyLink } from '../support/faulty-link.ts'
import { type AsProcess, startHoldfastProcess } from '../support/holdfast.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'
import { startSplitLoad } from './split-load.ts'

const teardowns: (() => unknown)[] = []
const t = { teardown: (work: () => unknown) => void teardowns.unshift(work) }
/** How late what a replica gets is, ms; null: it gets nothing. Each for a while, in turn. */
const LAGS = [0, 5, 40, null, 15, 120, 1, null] as const
const EACH_MS = 700

async function main(argv: readonly string[]): Promise<number> {
  const isBlind = argv.includes('--blind')
  const limit = Number(argv.find(word => /^\d+$/.test(word)) ?? 1_000_000)
  const set = await SentinelSet.start({ replicas: 2, failoverTimeoutMs: 600_000 })
  t.teardown(() => set.stopAll())
  const links = await Promise.all(set.nodes.slice(1).map(node => followThroughLink(set, node)))
  const options = { 'admin-listen': '127.0.0.1:0', 'read-split': 'on', 'replica-max-lag': '3s', 'log-level': 'info' }
  const program = isBlind ? blindCopy() : undefined
  const holdfast = await startHoldfastProcess(t, {
    sentinels: set.sentinelAddresses(),
    options,
    ...(program && { program }),
  })
  const warm = await startSplitLoad(holdfast.port, { sessions: 2, writeShare: 0 })
  await waitUntil('replicas answer', async () => (await readsOf(holdfast)).replica > 100, { withinMs: 30_000 })
  await warm.stop()
  let step = 0
  const timer = setInterval(() => {
    step++
    links.forEach((link, i) => {
      const lag = LAGS[(step + 3 * i) % LAGS.length] ?? null
      link.resume()
      link.delay(lag ?? 0)
      if (lag === null) link.stall('down')
    })
  }, EACH_MS)
  t.teardown(() => clearInterval(timer))
  const startedAt = performance.now()
  const load = await startSplitLoad(holdfast.port, { sessions: 40, writeShare: 0.02, depth: 12, everyMs: 1, limit })
  const verdict = await load.stop()
  clearInterval(timer)
  const reads = await readsOf(holdfast)
  const { wrong, errors, wrongs, commands } = verdict
  const seconds = Math.round((performance.now() - startedAt) / 1000)
  const lags = `lags of ${LAGS.map(lag => lag ?? 'stall').join(', ')} ms in turn`
  console.log(JSON.stringify({ program: isBlind ? 'blind' : 'as it is', commands, seconds, lags, ...reads }))
  console.log(
    `${commands} commands, ${reads.replica} reads at replicas, ${wrongs} wrong replies, ${errors.length} errors`,
  )
  for (const one of [...wrong, ...errors].slice(0, 5)) console.log(`  ${one}`)
  const isAsExpected = errors.length === 0 && reads.replica > 0 && (isBlind ? wrongs > 0 : wrongs === 0)
  return isAsExpected ? 0 : 1
}

async function followThroughLink(set: SentinelSet, node: SentinelSet['nodes'][number]): Promise<FaultyLink> {
  const [master] = set.nodes
  const link = await FaultyLink.start(null, { host: '127.0.0.1', port: master?.port ?? 0 })
  t.teardown(() => link.close())
  await set.command(node, 'REPLICAOF', '127.0.0.1', String(link.port))
  const isUp = async (): Promise<boolean> =>
    /master_link_status:up/.test(String(await set.command(node, 'INFO', 'replication')))
  await waitUntil('it follows through the link', isUp, { withinMs: 20_000 })
  return link
}

async function readsOf({ admin }: AsProcess): Promise<{ replica: number; master: Record<string, number> }> {
  return JSON.parse((await ask(admin, '/status')).body).replicas.split.reads
}

/** The program's main file in a copy that does not ask what a replica has. */
function blindCopy(): string {
  const bug = replicasMutations.find(({ name }) => name === 'a split read does not wait for what its session wrote')
  if (bug === undefined) throw new Error('the list of known bugs has another name for it')
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-blind-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  cpSync(join(root, 'src'), join(dir, 'src'), { recursive: true })
  cpSync(join(root, 'package.json'), join(dir, 'package.json'))
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'), 'dir')
  writeFileSync(join(dir, bug.file), mutate(readFileSync(join(dir, bug.file), 'utf8'), bug))
  return join(dir, 'src', 'main.ts')
}

try {
  process.exitCode = await main(process.argv.slice(2))
} finally {
  for (const work of teardowns) await work()
}
