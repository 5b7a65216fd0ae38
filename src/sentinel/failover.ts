// failover.ts: what one Sentinel has said of a failover that it leads or tries to lead. Pure.
//
//           +try-failover        +elected-leader, +selected-slave ...      +promoted-slave
//   null ──────────────▶ try ───────────────────────────────▶ elected ─────────────────▶ promoted
//     ▲                   │ 2 s without an election             │ failover-timeout          │
//     └── -failover-abort-*, or a later answer of the same Sentinel without the flag ◀──────┘ (no longer blocks)
//         or its Sentinel is lost: 10 s later; 1 s after its host has refused us
//
// While it lasts, nothing new may go to the master that it is `about`: a planned failover promotes a replica 60-230 ms
// after these events, and the old master goes on taking writes, all of which are lost. The block names address and
// epoch, so an event that arrives after the failover shuts nothing.
import { type Address, sameAddress } from '../address.ts'
import type { SentinelEvent } from './events.ts'
import type { FailoverStage, View } from './sentinel-view.ts'

export interface Failover {
  readonly about: Address
  /** The process there; null: not known. Sentinels may name one node differently (announce-hostnames). */
  readonly runId: string | null
  /** The newest configuration of `about` that this failover replaces; it does not concern a later one. */
  readonly epoch: number
  /** The epoch of the configuration that it makes, where its Sentinel has said so; null: it is not known. */
  readonly nextEpoch: number | null
  /** The chosen one; null before the choice, or where that was not heard. */
  readonly replica: Address | null
  readonly stage: FailoverStage
  /** Its replica is chosen and may have been promoted: what the old master acknowledges may be lost. */
  readonly mayPromote: boolean
  readonly since: number
  /** When it became certain that somebody leads it; `since` before that. */
  readonly electedAt: number
  /** When an answer showed it last. */
  readonly shownAt: number
  /** The Sentinel's own failover-timeout, ms. */
  readonly timeoutMs: number
  /** When we lost the Sentinel that announced it; null while it can be asked. */
  readonly orphanedAt: number | null
  /** When its Sentinel's host refused us after that: the process that led it has ended. Null while it may run. */
  readonly leaderEndedAt: number | null
}

const failoverTiming = {
  /** A Sentinel that loses the election says so after up to 10 s; one that wins it says so within 0.1 s. */
  tryMs: 2_000,
  /** The others learn of a vanished leader's promotion in 2 s or never: Sentinel reads INFO each second meanwhile. */
  orphanMs: 10_000,
  /** A process that has ended promotes nobody. What it had sent before, to a replica or as a hello, has arrived by now. */
  endedMs: 1_000,
  /** An answer that shows the failover keeps it alive this long: a bit longer than the pause between questions. */
  shownMs: 3_500,
} as const

/** A node, and which process it is as far as known. */
export type Process = Address & { readonly runId: string | null }

export interface Context {
  readonly now: number
  /** The newest config epoch known now: what is announced now is about no later one. */
  readonly epoch: number
  readonly timeoutMs: number
  /** The process that this Sentinel means by the address; left out: not known. */
  readonly runId?: string | undefined
  /** The last epoch that its Sentinel has begun; null: none was heard. */
  readonly newEpoch?: number | null
}

/** The failover after this event of its Sentinel. */
export function failoverAfterEvent(failover: Failover | null, event: SentinelEvent, context: Context): Failover | null {
  switch (event.kind) {
    case 'failover-try':
      return begin(event.master, 'try', context)
    case 'failover-elected':
      return chosen(raise(failover, event.master, 'elected', context, event.replica !== null), event.replica)
    case 'failover-promoted':
      return chosen(raise(failover, event.master, 'promoted', context, true), event.replica)
    case 'failover-aborted':
      return null
    default:
      return failover
  }
}

/** The failover after this answer of its Sentinel. Its question must be younger than the last event about one. */
export function failoverAfterView(failover: Failover | null, view: View, now: number): Failover | null {
  const context = { now, epoch: view.epoch, timeoutMs: view.failoverTimeoutMs, runId: view.runId }
  switch (view.failover) {
    case 'try': {
      const same = failover && sameAddress(failover.about, view.address)
      return same ? { ...failover, shownAt: now, ...reachable } : begin(view.address, 'try', context)
    }
    case 'elected':
      return raise(failover, view.address, 'elected', context, true)
    case 'promoted': {
      if (sameAddress(view.listed, view.address)) return failover
      const replaced = { ...context, epoch: view.epoch - 1 }
      return raise(failover, view.listed, 'promoted', replaced, true)
    }
    case null: {
      if (!failover || sameAddress(failover.about, view.address)) return null
      return { ...failover, stage: 'promoted', mayPromote: true, ...reachable }
    }
  }
}

export function failoverOrphaned(failover: Failover | null, now: number): Failover | null {
  return failover && failover.orphanedAt === null ? { ...failover, orphanedAt: now } : failover
}

/** The Sentinel that announced it is lost, and its host refuses connections: nobody listens there any more. */
export function failoverLeaderEnded(failover: Failover | null, now: number): Failover | null {
  return failover && failover.leaderEndedAt === null ? { ...failover, leaderEndedAt: now } : failover
}

/** Whether nothing new may be sent to this node in its configuration `epoch`. */
export function blocks(failover: Failover, node: Process, epoch: number, now: number): boolean {
  const isAbout = sameAddress(failover.about, node) || (failover.runId !== null && failover.runId === node.runId)
  return isAbout && epoch <= failover.epoch && now < endOf(failover)
}

/** When it no longer blocks, unless more is heard of it. */
export function endOf(failover: Failover): number {
  const { orphanedAt, leaderEndedAt } = failover
  return Math.min(
    ownEndOf(failover),
    orphanedAt === null ? Number.POSITIVE_INFINITY : orphanedAt + failoverTiming.orphanMs,
    leaderEndedAt === null ? Number.POSITIVE_INFINITY : leaderEndedAt + failoverTiming.endedMs,
  )
}

/** When it ends while its Sentinel lives. */
function ownEndOf({ stage, since, electedAt, timeoutMs, shownAt }: Failover): number {
  if (stage === 'try') return since + failoverTiming.tryMs
  return Math.max(electedAt + timeoutMs, shownAt + failoverTiming.shownMs)
}

const reachable = { orphanedAt: null, leaderEndedAt: null } as const

function begin(about: Address, stage: FailoverStage, context: Context): Failover {
  const { now, epoch, timeoutMs, runId = null, newEpoch = null } = context
  const times = { since: now, electedAt: now, shownAt: now, timeoutMs, ...reachable }
  const nextEpoch = newEpoch !== null && newEpoch > epoch ? newEpoch : null
  return {
    about,
    runId,
    epoch,
    nextEpoch: stage === 'try' ? nextEpoch : null,
    replica: null,
    stage,
    mayPromote: false,
    ...times,
  }
}

function chosen(failover: Failover, replica: Address | null): Failover {
  return replica === null ? failover : { ...failover, replica }
}

function raise(
  failover: Failover | null,
  about: Address,
  stage: FailoverStage,
  context: Context,
  mayPromote: boolean,
): Failover {
  if (!failover || !sameAddress(failover.about, about)) return { ...begin(about, stage, context), mayPromote }
  const electedAt = failover.stage === 'try' ? context.now : failover.electedAt
  const heard = { shownAt: context.now, timeoutMs: context.timeoutMs, ...reachable }
  return {
    ...failover,
    ...heard,
    stage,
    mayPromote: failover.mayPromote || mayPromote,
    electedAt,
    epoch: Math.max(failover.epoch, context.epoch),
  }
}
