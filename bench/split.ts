// split.ts: a load of which 90 % are reads, through Holdfast with and without --read-split, beside one master and one
// replica: 50 clients, one command at a time, rounds that alternate. It prints commands a second of each round, the ratio
// of the medians, what part of the reads replicas answered, and how much of a core the master took.
//
//   mixed   each client writes every tenth command
//   apart   five clients only write, the others only read
//
//   node scripts/run.mjs bench/split.ts [rounds] [seconds]
import { ask } from '../test/support/admin.ts'
import { type AsProcess, startHoldfastProcess } from '../test/support/holdfast.ts'
import { SentinelSet } from '../test/support/sentinel-set.ts'
import { waitUntil } from '../test/support/wait-until.ts'
import { type Client, openClient } from './load/client.ts'

const teardowns: (() => unknown)[] = []
const t = { teardown: (work: () => unknown) => void teardowns.unshift(work) }
const CLIENTS = 50
const KEYS = 1_000
const encode = (...words: string[]): string =>
  `*${words.length}\r\n${words.map(word => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`
const gets = Array.from({ length: KEYS }, (_, i) => encode('GET', `bench:${i}`))
const sets = Array.from({ length: KEYS }, (_, i) => encode('SET', `bench:${i}`, 'v'.repeat(64)))

const loads = {
  mixed: () => Math.random() < 0.1,
  apart: (client: number) => client % 10 === 0,
} as const
type Load = keyof typeof loads

/** Commands a second. */
async function round(port: number, load: Load, seconds: number): Promise<number> {
  let answered = 0
  let isOver = false
  let failure: Error | null = null
  const clients: Client[] = []
  for (let i = 0; i < CLIENTS; i++) {
    const next = (): void => {
      if (isOver) return
      const commands = loads[load](i) ? sets : gets
      clients[i]?.write(commands[Math.floor(Math.random() * KEYS)] ?? '')
    }
    const onReply = (reply: unknown, isError: boolean): void => {
      if (isError) failure = new Error(String(reply))
      answered++
      next()
    }
    clients[i] = await openClient(port, onReply, why => {
      failure ??= why
    })
    next()
  }
  const startedAt = performance.now()
  const before = answered
  await new Promise(resolve => setTimeout(resolve, seconds * 1_000))
  const rate = ((answered - before) * 1_000) / (performance.now() - startedAt)
  isOver = true
  for (const client of clients) client.close()
  if (failure !== null) throw failure
  return Math.round(rate)
}

async function atReplica({ admin }: AsProcess): Promise<{ replica: number; all: number }> {
  const { reads } = JSON.parse((await ask(admin, '/status')).body).replicas.split
  const master = Object.values<number>(reads.master).reduce((sum, one) => sum + one, 0)
  return { replica: reads.replica, all: reads.replica + master }
}

/** Seconds of CPU that the master has taken. */
async function cpuOf(set: SentinelSet): Promise<number> {
  const [master] = set.nodes
  if (master === undefined) throw new Error('no master')
  const text = String(await set.command(master, 'INFO', 'cpu'))
  const field = (name: string): number => Number(new RegExp(`${name}:([\\d.]+)`).exec(text)?.[1] ?? 0)
  return field('used_cpu_user') + field('used_cpu_sys')
}

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0

async function main(): Promise<void> {
  const [rounds, seconds] = [Number(process.argv[2] ?? 7), Number(process.argv[3] ?? 3)]
  const set = await SentinelSet.start({ replicas: 1, failoverTimeoutMs: 600_000 })
  t.teardown(() => set.stopAll())
  const start = (split: string): Promise<AsProcess> => {
    const options = { 'admin-listen': '127.0.0.1:0', 'read-split': split, 'log-level': 'info' }
    return startHoldfastProcess(t, { sentinels: set.sentinelAddresses(), options })
  }
  const [off, on] = [await start('off'), await start('on')]
  const isRead = async (): Promise<boolean> => {
    await round(on.port, 'apart', 0.2)
    return (await atReplica(on)).replica > 0
  }
  await waitUntil('the replica answers', isRead, { withinMs: 30_000 })
  for (const load of Object.keys(loads) as Load[]) {
    const rates = { off: [] as number[], on: [] as number[] }
    const cpu = { off: 0, on: 0 }
    const before = await atReplica(on)
    for (let i = 0; i < rounds; i++) {
      for (const arm of i % 2 === 0 ? (['off', 'on'] as const) : (['on', 'off'] as const)) {
        const used = await cpuOf(set)
        rates[arm].push(await round((arm === 'on' ? on : off).port, load, seconds))
        cpu[arm] += (await cpuOf(set)) - used
      }
    }
    const after = await atReplica(on)
    const ratio = median(rates.on) / median(rates.off)
    const each = rates.on.map((rate, i) => rate / (rates.off[i] ?? rate))
    const round2 = (n: number): number => Number(n.toFixed(2))
    console.log(
      JSON.stringify({
        load,
        ...rates,
        ratio: round2(ratio),
        ratios: [round2(Math.min(...each)), round2(Math.max(...each))],
        atReplica: round2((after.replica - before.replica) / (after.all - before.all)),
        masterCores: { off: round2(cpu.off / (rounds * seconds)), on: round2(cpu.on / (rounds * seconds)) },
      }),
    )
  }
}

try {
  await main()
} finally {
  for (const work of teardowns) await work()
}
