// masters.ts: three masters in one process. What clients of two feel while the third is killed, beside as long a time in
// which nothing happens, and what two further masters cost in memory.
//
//   node scripts/run.mjs bench/masters.ts [seconds of each part, 10]
//
// Ten clients at each master send one SET every 2 ms each, by a timetable: a reply that is late counts from when its
// command was due. `standstillMs` is the longest time in which this process itself did not run: what is not longer than
// that says nothing of Holdfast.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { type AsProcess, startHoldfastProcess } from '../test/support/holdfast.ts'
import { addMaster } from '../test/support/more-masters.ts'
import { MB, watchResident } from '../test/support/resident.ts'
import { RespClient, RespError } from '../test/support/resp-client.ts'
import { SentinelSet } from '../test/support/sentinel-set.ts'
import { freePort } from '../test/support/servers.ts'

const CLIENTS = 10
const EVERY_MS = 2
const REST_MS = 5_000

const teardowns: (() => unknown)[] = []
const t = { teardown: (work: () => unknown) => void teardowns.unshift(work) }

interface Load {
  /** Milliseconds of each reply since the last call. */
  take(): number[]
  readonly errors: string[]
  stop(): void
}

async function startLoad(port: number): Promise<Load> {
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => RespClient.connect(port)))
  let times: number[] = []
  const errors: string[] = []
  let isOver = false
  const run = async (client: RespClient, i: number): Promise<void> => {
    for (let due = performance.now(); !isOver; due += EVERY_MS) {
      const early = due - performance.now()
      if (early > 0) await delay(early)
      const reply = await client.send('SET', `key-${i}`, 'value')
      if (reply instanceof RespError) errors.push(reply.message)
      times.push(performance.now() - due)
      // What one late reply delays is counted once: the next is due from now on.
      due = Math.max(due, performance.now() - EVERY_MS)
    }
  }
  for (const [i, client] of clients.entries())
    run(client, i).catch(error => {
      if (!isOver) errors.push(String(error))
    })
  return {
    take() {
      const taken = times
      times = []
      return taken
    },
    errors,
    stop() {
      isOver = true
      for (const client of clients) void client.close()
    },
  }
}

/** Milliseconds, of hundredths. */
function quantile(times: readonly number[], share: number): number {
  const sorted = times.toSorted((a, b) => a - b)
  return Math.round((sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN) * 100) / 100
}

const told = (times: readonly number[]) => ({
  p50: quantile(times, 0.5),
  p99: quantile(times, 0.99),
  max: quantile(times, 1),
})

async function residentAtRest({ pid }: AsProcess): Promise<number> {
  await delay(REST_MS)
  const watch = watchResident(pid)
  watch.stop()
  return Math.round((watch.now() / MB) * 10) / 10
}

async function main(): Promise<void> {
  const seconds = Number(process.argv[2] ?? 10)
  const set = await SentinelSet.start({ masterName: 'cache', replicas: 1 })
  t.teardown(() => set.stopAll())
  const queue = await addMaster(t, set, 'queue')
  await addMaster(t, set, 'session')
  const sentinels = set.sentinelAddresses()
  const start = (masterName: string): Promise<AsProcess> =>
    startHoldfastProcess(t, { sentinels, masterName, options: { 'log-level': 'info' } })
  const ports = { cache: await freePort(), queue: await freePort(), session: await freePort() }
  const one = await start(`cache=127.0.0.1:${await freePort()}`)
  const oneMb = await residentAtRest(one)
  await one.stop()
  const three = await start(
    Object.entries(ports)
      .map(([name, port]) => `${name}=127.0.0.1:${port}`)
      .join(),
  )
  const threeMb = await residentAtRest(three)
  console.log(JSON.stringify({ memoryMb: { oneMaster: oneMb, threeMasters: threeMb } }))

  const loads = {
    cache: await startLoad(ports.cache),
    queue: await startLoad(ports.queue),
    session: await startLoad(ports.session),
  }
  for (const load of Object.values(loads)) t.teardown(() => load.stop())
  const part = async (what: string, act: () => Promise<unknown>): Promise<void> => {
    for (const load of Object.values(loads)) load.take()
    const own = monitorEventLoopDelay({ resolution: 5 })
    own.enable()
    await Promise.all([act(), delay(seconds * 1_000)])
    own.disable()
    const all = Object.entries(loads).map(([name, load]) => [name, told(load.take())])
    const standstillMs = Math.round(own.max / 1e6)
    console.log(JSON.stringify({ part: what, standstillMs, ...Object.fromEntries(all) }))
  }
  await delay(2_000)
  await part('nothing happens', async () => {})
  await part('the queue is killed', () => set.kill(queue.master))
  await part('nothing happens again', async () => {})
  const errors = Object.values(loads).flatMap(load => load.errors)
  console.log(JSON.stringify({ errors: errors.length, first: errors[0] ?? null }))
}

try {
  await main()
} finally {
  for (const work of teardowns) await work()
}
