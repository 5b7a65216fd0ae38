// marking.ts: what commands are to --retry-policy once: may they stand in a MULTI with a marker behind them, and does it
// help? One byte by the command's index.
//
//   read                         none    nothing to prove
//   writes, scripts, functions   writes  the marker is replicated with their effect
//   connection, EXEC             apart   inside MULTI they end it, or mean something else (DISCARD, RESET)
//   blocking                     apart   inside MULTI they do not block
//   admin, SCRIPT, MIGRATE       apart   they act on this node alone, or on another one: no marker tells of that
//   not in the table             writes, solo
//
// Never: looks at arguments (relay and proof do, with classify.ts).
import { commandSpecs } from './catalog.ts'
import type { CommandSpec, ReplayClass } from './command-spec.ts'
import { isReplicaRead } from './replica-reads.ts'

/**
 * Bits. `writes`: at least one command should have a marker. `apart`: at least one can have none. `solo`: one may be
 * refused before it is queued, which aborts all that stand with it. `unsure`: nobody has looked. `shows`: at least one
 * shows what is stored; set where the reader has looked, and there alone. `master`: at least one is for the master, as a
 * replica would answer it otherwise or not at all; set where `shows` is.
 */
export const Marking = { none: 0, writes: 4, apart: 8, solo: 16, unsure: 32, shows: 64, master: 128 } as const

const apartByName: ReadonlySet<string> = new Set(['migrate', 'script', 'swapdb', 'exec'])
const apartByClass: ReadonlySet<ReplayClass> = new Set(['connection', 'admin', 'blocking', 'forbidden'])

/** Reads that show nothing of what is stored: probes of clients. */
const showNothing: ReadonlySet<string> = new Set([
  'ping',
  'echo',
  'time',
  'lolwut',
  'command',
  'info',
  'role',
  'lastsave',
])

/** By the command's class, where `name` is no exception. */
export function markingOf(name: string, cls: ReplayClass): number {
  if (apartByName.has(name) || apartByClass.has(cls)) return Marking.apart
  return cls === 'read' ? Marking.none : Marking.writes
}

/** Of a container all its subcommands together. */
function markingByName({ known, name, cls, subcommands }: CommandSpec): number {
  if (!known) return Marking.writes | Marking.solo
  if (subcommands === null) return markingOf(name, cls)
  return [...subcommands.values()].reduce((bits, one) => bits | markingOf(name, one.cls), 0)
}

/** By `CommandSpec.index`. */
export const markings = Uint8Array.from(commandSpecs, spec => {
  const isForMaster = isReplicaRead(spec.name) ? Marking.none : Marking.master
  return markingByName(spec) | (showsData(spec) ? Marking.shows : Marking.none) | isForMaster
})

export function showsData({ name, cls }: CommandSpec): boolean {
  return cls === 'read' && !showNothing.has(name)
}
