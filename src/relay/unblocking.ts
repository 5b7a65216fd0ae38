// unblocking.ts: a client waits in the master in BLPOP or the like, and the Sentinels announce a failover.
//
//   failover announced ─▶ CLIENT UNBLOCK of each, by an idle link ─▶ -UNBLOCKED: it has taken nothing ─▶ held, sent again
//                                                               └──▶ an element: the reply, as ever
//   no idle link of that identity can ask ─▶ one is dialled (spare-links.ts), and all is looked at again when it is up
//
// When the link is lost instead, nobody can tell whether the command has taken something: under `safe` and `once` its
// client is told UNKNOWN, and under `always` the command goes again, so that what it has taken is lost. The old master
// lives on in a planned failover, so it can say so itself while it is the master.
//
// An XREAD from `$` whose place is not known yet is left alone: from where would it go on?
//
// Must stay true: only the answer of the link on which the command waits says anything: it is behind all that was taken
// before. Never: waits for an answer; where none comes before the link is cut, all is as without this.

import type { Master } from '../address.ts'
import { missingOf } from '../ops/missing-rights.ts'
import { encodeCommand } from '../resp/encode.ts'
import type { Link } from '../upstream/link.ts'
import type { IdlePool } from './idle-pool.ts'
import type { Lane } from './lane.ts'
import type { LinkLog } from './link-log.ts'
import type { Request } from './request.ts'

/** Asks for all of one identity in one write; `dial` is called where no idle link can ask at that node. */
export function unblock(
  lanes: Iterable<Lane>,
  idle: IdlePool,
  linkLog: LinkLog,
  dial: (key: string, master: Master) => void,
): void {
  const waiting = new Map<string, Link<Request>[]>()
  for (const lane of lanes) {
    const { link, owner } = lane
    const { key } = lane.identity
    if (link === null || owner === null || link.handshake.clientId === 0) continue
    if (!idle.canAsk(key)) {
      if (lane.refusals.mayUnblock(link)) dial(key, link.master)
      continue
    }
    if (!lane.refusals.unblock(link)) continue
    const links = waiting.get(key) ?? []
    if (links.length === 0) waiting.set(key, links)
    links.push(link)
  }
  for (const [key, links] of waiting) {
    const commands = links.map(({ handshake }) =>
      encodeCommand(['CLIENT', 'UNBLOCK', String(handshake.clientId), 'ERROR']),
    )
    const onReply = (frame: Buffer): void => {
      const [link] = links
      const missing = missingOf('client|unblock', frame.toString('latin1'))
      if (link !== undefined) linkLog.missing(missing, link.master, link.handshake.identity)
    }
    idle.ask(key, Buffer.concat(commands), onReply, commands.length)
  }
}
