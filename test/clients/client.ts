// client.ts: what a client library is to the matrix: a program that works with it, and the ways to run that program.
//
// A program is given HOST PORT VIA PROTOCOL SETTINGS KEY STOP-FILE. It opens three clients: one that works in rounds,
// one that subscribes to KEY:news, one that waits at KEY:queue with BLPOP. Nothing in it tries again: what the library
// reports, it prints (record.ts has the words), and goes on. When STOP-FILE is there the rounds end, then the queue: at
// a wait that brings nothing, or at the element 0.
//
//   a round: commands     SET KEY:value n, GET KEY:value, RPUSH KEY:commands n
//            pipeline     SET KEY:piped n, GET KEY:piped, RPUSH KEY:pipeline n
//            transaction  the same between MULTI and EXEC, with KEY:transacted and KEY:transaction
//            script       return n behind RPUSH KEY:script n
//            publish      PUBLISH KEY:news n
//            queue        RPUSH KEY:queue n

/** How the program reaches Holdfast: at its own port, or by asking its Sentinel port. */
export type Via = 'direct' | 'sentinel'
/** The library's defaults, or those that docs/clients.md recommends. */
export type Settings = 'default' | 'recommended'

export interface Way {
  readonly via: Via
  readonly protocol: 2 | 3
}

export interface Client {
  /** On the command line and in the table. */
  readonly name: string
  readonly language: string
  /** The version that is here. @throws Error where the library is not here; its message says what is missing. */
  readonly version: () => string
  /** Makes what the program needs and answers the words that start it. */
  readonly program: () => readonly [string, ...string[]]
  readonly ways: readonly Way[]
  /** The settings that we recommend, as the library names them; null: the defaults. */
  readonly recommended: string | null
  readonly why: string
  readonly snippet: Snippet
}

/** Code for the page, which is run as it is but for its ports. */
export interface Snippet {
  readonly file: string
  /** `folder` is empty but for the file; what is compiled goes there. */
  readonly start: (file: string, folder: string) => readonly [string, ...string[]]
  /** Packages of npm by name, and where they are. */
  readonly modules?: () => Readonly<Record<string, string>>
}

/** A client in one way with one choice of settings: one program. */
export interface Trial {
  readonly client: Client
  readonly way: Way
  readonly settings: Settings
}

export const wayName = ({ via, protocol }: Way): string => `${via === 'direct' ? '' : 'Sentinel port, '}RESP${protocol}`

export const trialName = ({ client, way, settings }: Trial): string => `${client.name} (${wayName(way)}, ${settings})`
