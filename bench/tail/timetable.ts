// timetable.ts: when each command of a fixed rate is due, and whose turn it is. Pure: numbers in, numbers out.
//
// Command n is due n periods after the start. Connections take turns, so the k-th answer on connection c is that of
// command c + k * connections: no list of what is due is kept, and the generator makes no garbage.

export interface Timetable {
  readonly total: number
  readonly connections: number
  readonly periodMs: number
}

export function createTimetable(ratePerSecond: number, seconds: number, connections: number): Timetable {
  return { total: Math.floor(ratePerSecond * seconds), connections, periodMs: 1_000 / ratePerSecond }
}

/** How many commands are due `elapsedMs` after the start. */
export function dueBy(table: Timetable, elapsedMs: number): number {
  if (elapsedMs < 0) return 0
  // A clock of microseconds may read a hair less than the beat it was woken for.
  return Math.min(table.total, Math.floor(elapsedMs / table.periodMs + 1e-6) + 1)
}

/** Milliseconds from the start to the moment command `n` is due. */
export function dueAt(table: Timetable, n: number): number {
  return n * table.periodMs
}

export function connectionOf(table: Timetable, n: number): number {
  return n % table.connections
}

/** The command that the answer number `answered` (from 0) of a connection belongs to. */
export function commandOf(table: Timetable, connection: number, answered: number): number {
  return connection + answered * table.connections
}
