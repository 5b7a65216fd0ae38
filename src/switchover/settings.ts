// settings.ts: what the command line of `holdfast switchover` says beside the options of the proxy (cli reads it).
/** How far a replica may be behind when the switchover begins: bytes of the stream, or time since it said so. */
export type MaxLag = { readonly bytes: number } | { readonly ms: number }

export interface SwitchoverSettings {
  readonly dryRun: boolean
  readonly json: boolean
  readonly maxLag: MaxLag
  /** From the begin of the pause until the new master is served, ms. */
  readonly timeoutMs: number
  /** Problems that are accepted, by their ids. */
  readonly force: readonly string[]
  /** The master that is meant; null: the only one. */
  readonly masterName: string | null
}

/** What --force may name. Each is told with whom or what it is about, and none of them loses a write of Holdfast's. */
export const forceable = [
  'writers.other',
  'writers.unknown',
  'target.users',
  'target.functions',
  'target.memory',
  'target.min_replicas',
] as const
