// target.ts: what a target is, and what starting one needs. Types alone.

import type { Backend } from '../backend.ts'
import type { Running, Stage } from '../stage.ts'

/** What a case may need that not every target can do. `server`: more than SET and GET of 64 bytes. */
export type Feature = 'server' | 'resp3' | 'blocking'

export interface Target {
  readonly name: string
  readonly port: number
  /** null for `direct`: there is no process between the load and the server. */
  readonly process: Running | null
  readonly lacks: readonly Feature[]
}

export interface TargetOptions {
  /** Where holdfast writes its CPU profile, if it should. */
  profileFolder: string | undefined
  /** Where holdfast writes a heap snapshot on SIGUSR2, if it should. */
  snapshotFolder?: string | undefined
  /** Another checkout of holdfast, measured as the target `base`. */
  baseCheckout: string | undefined
  /** Further options of holdfast, for the target `holdfast-with`. */
  further?: readonly string[] | undefined
  /** Holdfast prints a line for each garbage collection. */
  traceGc?: boolean
  /** The program of predixy, if it is to be measured. */
  predixy?: string | undefined
}

export interface Context {
  readonly name: string
  readonly stage: Stage
  readonly backend: Backend
  /** A free one. */
  readonly port: number
  readonly options: TargetOptions
}

export type Starter = (context: Context) => Promise<Target>
