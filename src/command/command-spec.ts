// command-spec.ts: the words for what a command is: its class (may it be sent again?) and its route (what must a
// session do with it?). Types and constants only. The data is in command-table.ts, the class by arguments in
// classify.ts.

/**
 * What a second run of a command does, when it is not known whether the first one happened.
 *
 * - `read`: nothing is changed.
 * - `idempotent`: an immediate repeat leaves the same data and gives the same reply, and a repeat after other clients'
 *   writes takes nothing of theirs but the values that it names itself.
 * - `state-idempotent`: the same data, but the reply of a repeat differs (DEL answers 1, then 0).
 * - `non-idempotent`: a repeat changes the data again, or has an effect outside of it (PUBLISH).
 * - `connection`: changes what the connection means, not the data; absolute, so it may be set again on a new link.
 * - `blocking`: waits on the server; once served it is a pop.
 * - `admin`: acts on this one node.
 * - `forbidden`: changes the topology, kills the node or turns the connection into something that is not RESP.
 */
export type ReplayClass =
  | 'read'
  | 'idempotent'
  | 'state-idempotent'
  | 'non-idempotent'
  | 'connection'
  | 'blocking'
  | 'admin'
  | 'forbidden'

/**
 * What a session must do with a command. Plain integers, so that the hot path compares numbers.
 *
 * - `shared`: one request, exactly one reply, leaves nothing on the connection: may share a link.
 * - `maybeBlocking`: blocks only with a BLOCK option (`blocksServer`).
 * - `script`: EVAL, EVAL_RO and the containers SCRIPT and FUNCTION: their bodies are remembered, and KILL needs a link
 *   of its own.
 * - `own`: sets a connection flag that a shared link must not have (READONLY, READWRITE, ASKING).
 * - `refuse`: makes a replication link of the connection (SYNC, PSYNC, REPLCONF): what follows is not RESP, and
 *   `REPLCONF ACK` has no reply at all, so on any link it would end the pairing of requests with replies.
 */
export const Route = {
  shared: 0,
  blocking: 1,
  wait: 2,
  multi: 3,
  exec: 4,
  discard: 5,
  watch: 6,
  unwatch: 7,
  subscribe: 8,
  unsubscribe: 9,
  monitor: 10,
  hello: 11,
  auth: 12,
  select: 13,
  reset: 14,
  quit: 15,
  client: 16,
  script: 17,
  evalsha: 18,
  scan: 19,
  maybeBlocking: 20,
  own: 21,
  refuse: 22,
} as const
export type Route = (typeof Route)[keyof typeof Route]

export interface SubcommandSpec {
  /** Lower case, without the container's name. */
  readonly name: string
  readonly arity: number
  readonly cls: ReplayClass
}

export interface CommandSpec {
  /** 0 is the unknown command; known ones count from 1 without gaps, so tables can be indexed by it. */
  readonly index: number
  /** Lower case; empty for the unknown command. */
  readonly name: string
  readonly known: boolean
  /** As the server counts it, the name included; negative means "at least". 0 for the unknown command. */
  readonly arity: number
  readonly route: Route
  /** The class without the arguments: never better than what `classifyCommand` answers for a known subcommand. */
  readonly cls: ReplayClass
  /** By lower-case name; null where the command is no container. */
  readonly subcommands: ReadonlyMap<string, SubcommandSpec> | null
}

/** The class of a command by its arguments, name first; null where the table's class holds. `nowMs`: since 1970. */
export type ReplayRule = (args: readonly Buffer[], nowMs: number) => ReplayClass | null
