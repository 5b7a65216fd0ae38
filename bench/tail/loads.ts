// loads.ts: what the two load generators of the tail are told and what they answer. Types alone.

export interface SmallLoad {
  readonly port: number
  readonly clients: number
  readonly ratePerSecond: number
  readonly seconds: number
  readonly key: string
  readonly valueBytes: number
}

export interface Microseconds {
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

export interface SmallFigures {
  readonly commands: number
  readonly unanswered: number
  /** From the moment a command was due to its reply. */
  readonly latency: Microseconds
  /** From the moment a command was due to its sending: the generator's own part. */
  readonly lateness: Microseconds
}

export interface LargeLoad {
  readonly port: number
  readonly command: 'GET' | 'SET'
  /** Keys key:000000000000 up. */
  readonly keys: number
  readonly valueBytes: number
  readonly clients: number
  /** Commands a second of all clients; 0: each client has one under way at all times. */
  readonly ratePerSecond: number
}

export interface LargeFigures {
  readonly commands: number
  readonly seconds: number
  /** Commands that were sent but not answered at the end. */
  readonly underWay: number
}
