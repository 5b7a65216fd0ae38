// client-kill.ts: CLIENT KILL. Ends the sessions it means here, and other clients of the server there. It never ends a
// link of Holdfast: other sessions use that link, and a session would only get a new one.
//
//   the command with a filter that matches nobody ──▶ master     judges form and rights, ends nobody
//   CLIENT LIST                                   ──▶ master     lists who there is
//   sessions that match end here; CLIENT KILL ID n, one by one, for strangers that match; the client is told the sum
//
// The reply keeps its place behind earlier commands, and later commands wait for it. A client id means somebody on one
// master only: after a change of master nothing is sent again.
import type { Master } from '../../address.ts'
import { errors } from '../../errors.ts'
import { isSameTerm } from '../../relay/gate.ts'
import { makeLocal, type Request, type RequestHandler, type RequestOwner } from '../../relay/request.ts'
import { encodeCommand } from '../../resp/encode.ts'
import { ReplyType } from '../../resp/reply-scanner.ts'
import type { SessionContext } from '../state/session-context.ts'
import { type ClientFilter, parseFilters } from './client-filters.ts'
import { targetOf } from './client-id.ts'
import { type ClientLine, parseLines, replyText } from './client-lines.ts'
import { isWatcher, listCommand, listing, ownLinks, sessionLines } from './client-list.ts'
import { type Outcome, send, sendAsRead } from './command-outcome.ts'
import { integerReply, okReply } from './constant-replies.ts'

/** No client has this address, on either end. */
const NOWHERE = '0.0.0.0:0'

const noSuchClient = Buffer.from('-ERR No such client\r\n')

/** What a CLIENT KILL means. */
interface Kill {
  readonly filter: ClientFilter
  readonly skipMe: boolean
  /** `CLIENT KILL addr`: ends one client and answers OK. */
  readonly isOldForm: boolean
  /** The same command in a form that the server judges and that ends nobody. */
  readonly harmless: Buffer
}

/** CLIENT KILL in either form. `pass`: the server refuses its form. */
export function handleKill(context: SessionContext, frame: Buffer, args: readonly Buffer[]): Outcome {
  if (args.length < 3) return 'pass'
  const kill = parseKill(args)
  if (kill?.filter.onlyId) return killById(context, frame, kill, kill.filter.onlyId)
  const bytes = Buffer.concat([kill?.harmless ?? harmlessForm(args), listCommand])
  const handler = listing((request, everyone) => {
    if (kill === undefined) request.owner.deliver(errors.clientFilter.reply)
    else endAll(context, request, kill, parseLines(replyText(everyone) ?? ''))
  })
  return sendAsRead(context, bytes, handler, { replies: 2 })
}

function parseKill(args: readonly Buffer[]): Kill | undefined {
  const [client, kill, address] = args
  if (args.length === 3 && client && kill && address) {
    const filter = parseFilters([client, kill, Buffer.from('ADDR'), address])
    const harmless = encodeCommand(['CLIENT', 'KILL', 'ADDR', NOWHERE])
    return filter && { filter, skipMe: false, isOldForm: true, harmless }
  }
  const filter = parseFilters(args)
  return filter && { filter, skipMe: filter.skipMe !== false, isOldForm: false, harmless: harmlessForm(args) }
}

/** The impossible filter stands first: later filters of the same name would replace it. */
function harmlessForm(args: readonly Buffer[]): Buffer {
  const words = args.map(arg => arg.toString('latin1', 0, 16).toLowerCase())
  const impossible = [
    ['ADDR', NOWHERE],
    ['LADDR', NOWHERE],
    ['MAXAGE', String(2 ** 40)],
  ].filter(([name = '']) => !words.includes(name.toLowerCase()))
  return encodeCommand(['CLIENT', 'KILL', ...(impossible[0] ?? ['ADDR', NOWHERE]), ...args.slice(2)])
}

/** The id of a session, of a link of Holdfast (to a client that is nobody), or of a stranger, whom the server ends. */
function killById(context: SessionContext, frame: Buffer, kill: Kill, id: string): Outcome {
  const isSession = context.host.ids.sessionOf(id) !== undefined
  const isOurs = (): boolean => isSession || ownLinks(context).has(id, '')
  const isSame = sameMaster(context, null)
  const handler: RequestHandler = {
    onSend(request) {
      if (isOurs()) request.bytes = kill.harmless
      else if (!isSame()) makeLocal(request, integerReply(0))
    },
    onReply(request, reply, type) {
      const target = type === ReplyType.error ? undefined : targetOf(context, id)
      if (target === undefined || (target === context && kill.skipMe)) {
        request.owner.deliver(reply)
        return
      }
      request.owner.deliver(integerReply(1))
      target.kill(context.clientId)
    },
  }
  return send(context, frame, handler, 'barrier')
}

/**
 * A client id means somebody only on the node that gave it. What is returned tells just before sending whether the node
 * is still `master`, or, where that is null, the one of the first time.
 */
function sameMaster(context: SessionContext, master: Master | null): () => boolean {
  let first = master
  return () => {
    const now = context.lane.link?.master
    if (now === undefined) return false
    first ??= now
    return isSameTerm(first, now)
  }
}

/** Ends who is meant of `all` that the server lists and of the sessions, and tells the client how many. */
function endAll(context: SessionContext, request: Request, kill: Kill, all: readonly ClientLine[]): void {
  const strangers = strangersAmong(context, kill, all).slice(0, kill.isOldForm ? 1 : undefined)
  let sessions: SessionContext[] = []
  for (const [session, line] of sessionLines(context, all, { command: 'client|kill', bytes: 0 }))
    if (kill.filter.test(line) && !(session === context && kill.skipMe)) sessions.push(session)
  if (kill.isOldForm) sessions = sessions.slice(0, 1 - strangers.length)
  let killed = 0
  const reply = (): Buffer => {
    const count = killed + sessions.length
    if (!kill.isOldForm) return integerReply(count)
    return count > 0 ? okReply : noSuchClient
  }
  const end = (): void => {
    for (const session of sessions) if (!session.gone) session.kill(context.clientId)
  }
  /** The client that asked may be one of them, so it gets the reply first. */
  const tell = (owner: RequestOwner): void => {
    owner.deliver(reply())
    end()
  }
  if (strangers.length === 0) {
    tell(request.owner)
    return
  }
  const isSame = sameMaster(context, context.lane.link?.master ?? null)
  // At the server that listed them and at no other. Sent again, it counts those that are gone once.
  const handler: RequestHandler = {
    onSend(next) {
      if (isSame()) return
      makeLocal(next, reply())
      end()
    },
    onReply(next, frame) {
      if (frame.toString('latin1') === ':1\r\n') killed++
      if (next.expect === 0) tell(next.owner)
    },
    owes: () => 1,
    onFailed: end,
  }
  const bytes = Buffer.concat(strangers.map(id => encodeCommand(['CLIENT', 'KILL', 'ID', id])))
  sendAsRead(context, bytes, handler, { replies: strangers.length, owner: request.owner })
}

function strangersAmong(context: SessionContext, { filter }: Kill, all: readonly ClientLine[]): string[] {
  const own = ownLinks(context)
  const ids: string[] = []
  for (const line of all) {
    const [id = '', address = ''] = [line.get('id'), line.get('addr')]
    const spared = isWatcher(line) && !filter.namesOne
    if (!spared && filter.test(line) && !own.has(id, address)) ids.push(id)
  }
  return ids
}
