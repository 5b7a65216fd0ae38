// ledger.ts: every operation of a workload with its outcome, and what may not be true of them afterwards.
//
// The workload is made so that faults can be proven: a SET key is written once, ever, by one operation; an INCR key
// belongs to one client, which has one INCR open at a time or sends them down one connection in order; an ECHO carries
// its own id.
// Owns: the record and the judgement (pure). Never: talks to a server; `actual` is what somebody read there afterwards.
import { type CounterFaults, checkCounter } from './counter-check.ts'

export type Outcome =
  | { readonly kind: 'pending' }
  | { readonly kind: 'ok'; readonly value: string | number | null }
  /** The server, or what stands in front of it, answered an error. Whether the command ran is open. */
  | { readonly kind: 'error'; readonly message: string }
  /** The connection was lost before the reply. Whether the command ran is open. */
  | { readonly kind: 'lost'; readonly message: string }
  /** The server said that it did not run: EXEC answered nil, or inside a transaction that was discarded. */
  | { readonly kind: 'aborted' }

export interface Operation {
  readonly id: number
  readonly client: string
  /** 'other': only its outcome and its times are kept here; somebody else judges its effect. */
  readonly kind: 'set' | 'incr' | 'echo' | 'other'
  readonly key: string
  /** What SET writes and ECHO wants back; null for INCR. */
  readonly value: string | null
  /** Milliseconds since the epoch, with fractions. */
  readonly startedAt: number
  endedAt: number
  outcome: Outcome
}

/** What is stored under each key; null or absent: nothing. */
export type Actual = ReadonlyMap<string, string | null>

export interface Lost {
  readonly key: string
  /** The least that must be there. */
  readonly wanted: string
  readonly found: string | null
}

export interface Doubled {
  readonly key: string
  /** The highest number that INCRs answered and INCRs without a reply can explain at that point. */
  readonly atMost: number
  readonly found: number
}

export interface Reordered {
  readonly client: string
  readonly id: number
  readonly what: string
}

export interface Pause {
  readonly client: string
  readonly ms: number
  /** Milliseconds since the epoch: the last success before, the first one after (or the end of the record). */
  readonly from: number
  readonly to: number
}

export interface ConnectionError {
  readonly client: string
  readonly message: string
  readonly at: number
}

export interface Report {
  readonly operations: number
  readonly ok: number
  /** How often each error reply was seen. */
  readonly errors: Readonly<Record<string, number>>
  readonly connectionLost: number
  readonly pending: number
  readonly connectionErrors: readonly ConnectionError[]
  readonly lostWrites: readonly Lost[]
  readonly doubled: readonly Doubled[]
  readonly reordered: readonly Reordered[]
  /** The longest time one client waited between two successes. */
  readonly longestPause: Pause
  /** The longest time in which no client at all had a success. */
  readonly silence: Pause
}

/** Milliseconds since the epoch, monotonic within the process. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now()
}

export class Ledger {
  readonly operations: Operation[] = []
  /** Connections that were refused or broke: each is a failure a client of the proxy should never see. */
  readonly connectionErrors: ConnectionError[] = []
  readonly #setKeys = new Set<string>()
  readonly #counterOwner = new Map<string, string>()

  /** @throws Error where a key is used so that nothing could be proven of it. */
  begin(client: string, kind: Operation['kind'], key: string, value: string | null = null): Operation {
    if (kind === 'set') {
      if (this.#setKeys.has(key)) throw new Error(`ledger: ${key} is SET twice`)
      this.#setKeys.add(key)
    }
    if (kind === 'incr') {
      const owner = this.#counterOwner.get(key) ?? client
      if (owner !== client) throw new Error(`ledger: ${key} is INCRed by ${owner} and ${client}`)
      this.#counterOwner.set(key, client)
    }
    const id = this.operations.length + 1
    const startedAt = nowMs()
    const outcome = { kind: 'pending' } as const
    const operation: Operation = { id, client, kind, key, value, startedAt, endedAt: 0, outcome }
    this.operations.push(operation)
    return operation
  }

  ok(operation: Operation, value: string | number | null): void {
    settle(operation, { kind: 'ok', value })
  }

  error(operation: Operation, message: string): void {
    settle(operation, { kind: 'error', message })
  }

  lost(operation: Operation, message: string): void {
    settle(operation, { kind: 'lost', message })
  }

  aborted(operation: Operation): void {
    settle(operation, { kind: 'aborted' })
  }

  connectionError(client: string, message: string): void {
    this.connectionErrors.push({ client, message, at: nowMs() })
  }

  /** All keys whose contents `actual` must give. */
  keys(): string[] {
    return [...this.#setKeys, ...this.#counterOwner.keys()]
  }

  /** Acknowledged writes that are not there: a SET whose value is missing, an increment that was forgotten. */
  lostWrites(actual: Actual): Lost[] {
    const lost: Lost[] = []
    for (const { kind, key, value, outcome } of this.operations) {
      if (kind !== 'set' || outcome.kind !== 'ok') continue
      const found = actual.get(key) ?? null
      if (found !== value) lost.push({ key, wanted: String(value), found })
    }
    return [...lost, ...this.#counters(actual).flatMap(faults => faults.lost)]
  }

  /** Counters that are higher than all INCRs sent can explain. */
  doubled(actual: Actual): Doubled[] {
    return this.#counters(actual).flatMap(faults => faults.doubled)
  }

  /** Replies that do not belong to their request: an ECHO of something else, an INCR's number out of turn. */
  reordered(): Reordered[] {
    const found: Reordered[] = []
    for (const { id, client, kind, value, outcome } of this.operations) {
      if (outcome.kind !== 'ok' || kind === 'incr' || kind === 'other') continue
      const wanted = kind === 'set' ? 'OK' : value
      if (outcome.value !== wanted) found.push({ client, id, what: `${kind}: ${outcome.value} instead of ${wanted}` })
    }
    return [...found, ...this.#counters(new Map()).flatMap(faults => faults.reordered)]
  }

  /** The longest gap between two successes of one client, its first start and the record's end counted as edges. */
  longestPause(client?: string): Pause {
    const clients = client === undefined ? new Set(this.operations.map(operation => operation.client)) : [client]
    const pauses = [...clients].map(name =>
      longestGap(
        name,
        this.operations.filter(operation => operation.client === name),
      ),
    )
    return pauses.reduce((a, b) => (b.ms > a.ms ? b : a), { client: '', ms: 0, from: 0, to: 0 })
  }

  /** Everything at once. `actual` is what the master holds after all is quiet. */
  report(actual: Actual): Report {
    const count = (kind: Outcome['kind']) => this.operations.filter(({ outcome }) => outcome.kind === kind).length
    const errors: Record<string, number> = {}
    for (const { outcome } of this.operations) {
      if (outcome.kind === 'error') errors[outcome.message] = (errors[outcome.message] ?? 0) + 1
    }
    return {
      operations: this.operations.length,
      ok: count('ok'),
      errors,
      connectionLost: count('lost'),
      pending: count('pending'),
      connectionErrors: this.connectionErrors,
      lostWrites: this.lostWrites(actual),
      doubled: this.doubled(actual),
      reordered: this.reordered(),
      longestPause: this.longestPause(),
      silence: longestGap('all', this.operations),
    }
  }

  #counters(actual: Actual): CounterFaults[] {
    const byKey = Map.groupBy(
      this.operations.filter(({ kind }) => kind === 'incr'),
      ({ key }) => key,
    )
    return [...byKey].map(([key, operations]) => checkCounter(key, operations, actual.get(key) ?? null))
  }
}

function settle(operation: Operation, outcome: Outcome): void {
  if (operation.outcome.kind !== 'pending') throw new Error(`ledger: operation ${operation.id} ends twice`)
  operation.outcome = outcome
  operation.endedAt = nowMs()
}

function longestGap(client: string, operations: readonly Operation[]): Pause {
  const successes = operations.filter(({ outcome }) => outcome.kind === 'ok').map(({ endedAt }) => endedAt)
  const edges = operations.flatMap(({ startedAt, endedAt }) => [startedAt, endedAt])
  const begin = edges.reduce((a, b) => (b > 0 ? Math.min(a, b) : a), Number.POSITIVE_INFINITY)
  const end = edges.reduce((a, b) => Math.max(a, b), 0)
  const moments = [begin, ...successes.sort((a, b) => a - b), end]
  let longest: Pause = { client, ms: 0, from: 0, to: 0 }
  for (let i = 1; i < moments.length; i++) {
    const from = moments[i - 1] ?? 0
    const to = moments[i] ?? 0
    if (to - from > longest.ms) longest = { client, ms: to - from, from, to }
  }
  return longest
}

/** What a caught error says: the reason that an entry gives. */
export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
