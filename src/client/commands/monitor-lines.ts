// monitor-lines.ts: tells which lines of MONITOR show Holdfast opening a link (HELLO, SELECT, PING, and what it
// restores there). These are no client's commands, so a client that watches does not see them.
//
// A line names its client by address. Only links count whose opening was not over when MONITOR was sent: one that was
// dialled before may come to the server behind MONITOR, and one that is held opens when it is needed. Each is followed
// from its HELLO, or the SELECT before it, to its last command.
//
// Never: withholds a line of a link that was ready by then. Where addresses change on the way to the server, all lines
// are shown.
import { framesOf } from '../../relay/replay-rule.ts'
import { commandArgs } from '../../resp/decode.ts'
import type { LiveLink, LiveLinks } from '../../upstream/live-links.ts'

/** The time, then database and address, then the first word in quotes (feedMonitor in replication.c). */
const head = /^\+[\d.]+ \[\d+ ([^\]]+)\] "([^"]*)"/
const HEAD_BYTES = 160

export class MonitorLines {
  /** performance.now() when MONITOR was sent on the link that is up. */
  readonly since: number
  readonly #live: Pick<LiveLinks, 'openingSince'>
  /** Openings that have begun, by address: the names of their commands that are still to come. */
  readonly #openings = new Map<string, { readonly link: LiveLink; names: readonly string[] }>()
  readonly #over = new WeakSet<LiveLink>()

  constructor(live: Pick<LiveLinks, 'openingSince'>, since: number) {
    this.#live = live
    this.since = since
  }

  /** Whether this line is one of our own; `line` is a whole frame. */
  isOurs(line: Buffer): boolean {
    const [, address = '', name = ''] = head.exec(line.toString('latin1', 0, HEAD_BYTES)) ?? []
    const opening = this.#openings.get(address) ?? this.#begin(address, name)
    if (opening === undefined) return false
    // MONITOR shows no refused commands and none of administrators: they are skipped here as well.
    const at = opening.names.indexOf(name)
    opening.names = at < 0 ? [] : opening.names.slice(at + 1)
    if (opening.names.length === 0) {
      this.#over.add(opening.link)
      this.#openings.delete(address)
    }
    return at >= 0
  }

  #begin(address: string, name: string): { link: LiveLink; names: readonly string[] } | undefined {
    if (name !== 'HELLO' && name !== 'SELECT') return undefined
    const link = this.#live.openingSince(address, this.since)
    if (link === undefined || this.#over.has(link)) return undefined
    const names = framesOf(link.handshake.bytes).map(frame => commandArgs(frame)[0]?.toString('latin1') ?? '')
    const opening = { link, names }
    this.#openings.set(address, opening)
    return opening
  }
}
