// suite.ts: what a suite of tests of a client library is to the runner.

export interface Suite {
  /** `hiredis`: its name on the command line, and what its tests are listed under. */
  readonly name: string
  /** Library and version, as a person would say them; known once it is laid out. */
  readonly library: (folder: string) => string
  /** Makes `folder`, which is empty, a place where the suite can run. @throws Error that says what is missing. */
  readonly layOut: (folder: string) => void
  readonly command: (folder: string, target: Target) => Command
  /** What it printed, or wrote to `target.report`, as results. Pure. */
  readonly read: (text: string) => Result[]
  /** It asks for failovers in between (exercise.ts), so it is given a set with replicas. */
  readonly failovers?: boolean
}

export interface Target {
  readonly host: string
  readonly port: number
  /** A Unix-domain socket of the same. */
  readonly socket: string
  /** A file that it may write its results to instead of printing them. */
  readonly report: string
}

export interface Command {
  readonly argv: readonly [string, ...string[]]
  readonly env?: Readonly<Record<string, string>>
}

export interface Result {
  readonly test: string
  readonly verdict: 'passed' | 'failed' | 'skipped'
  readonly cause: string
}
