// ledger.ts: a writer writes rising versions at the master's port, readers read them at the port for replicas, and a judge
// says how old what they read was, and whether it ever went back.
//
// Readers are of four kinds, in turn (readers.ts): on a shared link, on a link of their own, and with transactions of reads.
//
// A write counts from when a replica has confirmed it (WAIT): what a failover loses is nobody's to read. A read counts
// from when it was sent.
// Never: knows what happens to the servers meanwhile.
import { RespClient, RespError } from '../support/resp-client.ts'
import { waitUntil } from '../support/wait-until.ts'
import { readerOf } from './readers.ts'

interface Read {
  readonly session: number
  readonly sentAt: number
  readonly doneAt: number
  readonly version: number
}

export interface Verdict {
  readonly reads: number
  readonly writes: number
  readonly errors: readonly string[]
  /** The oldest read: how long before it was sent something newer was there, ms. */
  readonly oldestMs: number
  /** Reads that returned less than the one before in their session. */
  readonly backwards: readonly string[]
  /** The longest that a read took, ms. */
  readonly longestMs: number
}

export interface Ledger {
  readonly reads: readonly Read[]
  /** Answers when every reader has read once more. */
  goOn(what: string, withinMs?: number): Promise<void>
  /** Ends it. */
  stop(): Promise<Verdict>
}

export interface LedgerOptions {
  readonly readers?: number
  readonly everyMs?: number
  /** Where the versions are: 'ledger'. */
  readonly key?: string
  /** Signed in, where that is needed. */
  readonly connect?: (port: number) => Promise<RespClient>
}

export async function startLedger(
  ports: { readonly master: number; readonly replicas: number },
  { readers = 8, everyMs = 3, key = 'ledger', connect = port => RespClient.connect(port) }: LedgerOptions = {},
): Promise<Ledger> {
  const errors: string[] = []
  const reads: Read[] = []
  /** When each version was confirmed. */
  const confirmedAt: number[] = []
  let isOver = false
  let version = 0
  let writes = 0
  const fail = (who: string, error: unknown): void => {
    if (!isOver) errors.push(`${who}: ${isError(error) ? error.message : String(error)}`)
  }
  const pause = (): Promise<void> => new Promise(resolve => setTimeout(resolve, everyMs))
  const master = await connect(ports.master)
  await master.send('SET', key, '0')
  confirmedAt[0] = performance.now()
  const write = async (): Promise<void> => {
    while (!isOver) {
      const next = version + 1
      const reply = await master.send('SET', key, String(next))
      if (reply instanceof RespError) fail('writer', reply)
      version = next
      writes++
      if (Number(await master.send('WAIT', '1', '100')) >= 1) confirmedAt[next] = performance.now()
      await pause()
    }
  }
  const sessions = await Promise.all(Array.from({ length: readers }, () => connect(ports.replicas)))
  const counts = sessions.map(() => 0)
  const read = async (client: RespClient, session: number): Promise<void> => {
    const reader = await readerOf(client, session, key)
    while (!isOver) {
      const { sentAt, reply } = await reader()
      const doneAt = performance.now()
      if (isError(reply)) fail(`reader ${session}`, reply)
      else reads.push({ session, sentAt, doneAt, version: Number(reply ?? -1) })
      counts[session] = (counts[session] ?? 0) + 1
      await pause()
    }
  }
  const work = [write().catch(error => fail('writer', error))]
  work.push(...sessions.map((client, i) => read(client, i).catch(error => fail(`reader ${i}`, error))))
  const goOn = async (what: string, withinMs = 20_000): Promise<void> => {
    const before = [...counts]
    await waitUntil(what, () => counts.every((count, i) => count > (before[i] ?? 0) + 1), { withinMs })
  }
  await goOn('the readers read')
  return {
    reads,
    goOn,
    async stop() {
      isOver = true
      for (const client of [master, ...sessions]) client.close()
      await Promise.all(work)
      return judge(reads, { confirmedAt, errors, writes })
    },
  }
}

const isError = (what: unknown): what is Error | RespError => what instanceof Error || what instanceof RespError

interface Written {
  readonly confirmedAt: readonly number[]
  readonly errors: readonly string[]
  readonly writes: number
}

export function judge(reads: readonly Read[], { confirmedAt, errors, writes }: Written): Verdict {
  /** By version: when the first newer one was confirmed. */
  const supersededAt: number[] = []
  let next = Number.POSITIVE_INFINITY
  for (let version = confirmedAt.length - 1; version >= -1; version--) {
    if (version >= 0) supersededAt[version] = next
    next = Math.min(next, confirmedAt[version] ?? Number.POSITIVE_INFINITY)
  }
  let oldestMs = 0
  let longestMs = 0
  const backwards: string[] = []
  const last = new Map<number, Read>()
  for (const read of reads) {
    const newer = read.version < 0 ? (confirmedAt[0] ?? 0) : (supersededAt[read.version] ?? Number.POSITIVE_INFINITY)
    oldestMs = Math.max(oldestMs, read.sentAt - newer)
    longestMs = Math.max(longestMs, read.doneAt - read.sentAt)
    const before = last.get(read.session)
    if (before !== undefined && read.version < before.version)
      backwards.push(`session ${read.session}: ${before.version}, then ${read.version}`)
    last.set(read.session, read)
  }
  return { reads: reads.length, writes, errors, oldestMs, backwards, longestMs }
}
