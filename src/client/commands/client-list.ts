// client-list.ts: CLIENT LIST and CLIENT INFO. The client gets the server's list, with a line for each session of this
// process in place of the lines of its links.
//
//   the client's CLIENT LIST, then CLIENT LIST ──▶ master   the first: form and rights; the second: our links
//   client ◀── [what the first lists, without our links] + [our sessions, by the same filters]
//
// Must stay true: what the session sends behind them waits for their reply. That tells of the session as it is when the
// reply comes, and CLIENT SETNAME changes it at once.
// Never: ends anybody (client-kill.ts).

import { errors } from '../../errors.ts'
import { isBlocked } from '../../relay/in-flight.ts'
import { makeLocal, type Request, type RequestHandler } from '../../relay/request.ts'
import { commandArgs } from '../../resp/decode.ts'
import { encodeCommand } from '../../resp/encode.ts'
import { ReplyType } from '../../resp/reply-scanner.ts'
import type { OwnLinks } from '../../upstream/live-links.ts'
import type { SessionContext } from '../state/session-context.ts'
import { trackingOptions } from '../state/tracking-options.ts'
import { parseFilters } from './client-filters.ts'
import { linkId } from './client-id.ts'
import {
  blankLine,
  type ClientLine,
  formatLine,
  parseLines,
  replyLike,
  replyText,
  type SessionFacts,
  sessionLine,
} from './client-lines.ts'
import { type Outcome, send, sendAsRead } from './command-outcome.ts'

const watchers: ReadonlySet<string> = new Set(['holdfast-watcher', 'holdfast-replicas'])

/** Some Holdfast watches the node by this one. It is not listed, and spared unless an id or address names it. */
export const isWatcher = (line: ClientLine): boolean => watchers.has(line.get('name') ?? '')

/** Lists the server's clients, ours among them by their links. */
export const listCommand = encodeCommand(['CLIENT', 'LIST'])

/** CLIENT LIST with or without filters. */
export function handleList(context: SessionContext, frame: Buffer, args: readonly Buffer[]): Outcome {
  const isPlain = args.length === 2
  const filter = parseFilters(args)
  const handler = listing(({ owner }, everyone, listed) => {
    if (filter === undefined) {
      owner.deliver(errors.clientFilter.reply)
      return
    }
    const own = ownLinks(context)
    const all = parseLines(replyText(everyone) ?? '')
    let text = ''
    for (const line of listed === everyone ? all : parseLines(replyText(listed) ?? ''))
      if (!isWatcher(line) && !own.has(line.get('id') ?? '', line.get('addr') ?? '')) text += formatLine(line)
    for (const [session, line] of sessionLines(context, all, { command: 'client|list', bytes: frame.length }))
      if (filter.test(line) && !(session === context && filter.skipMe === true)) text += formatLine(line)
    owner.deliver(replyLike(listed, text))
  })
  return sendAsRead(context, isPlain ? frame : Buffer.concat([frame, listCommand]), handler, {
    replies: isPlain ? 1 : 2,
  })
}

/** CLIENT INFO: the line of the session's link, with the session's own values. */
export function handleInfo(context: SessionContext, frame: Buffer): Outcome {
  const asked = { command: 'client|info', bytes: frame.length }
  const onReply = (request: Request, reply: Buffer): void => {
    const [link] = parseLines(replyText(reply) ?? '')
    const facts = factsOf(context, performance.now(), asked)
    const unlessOwn = { ...facts.unlessOwn, idle: '0' }
    const line = link && sessionLine(link, context.isPrivate ? 'own' : 'shared', { ...facts, unlessOwn })
    request.owner.deliver(line === undefined ? reply : replyLike(reply, formatLine(line)))
  }
  return send(context, frame, { onReply }, 'barrier')
}

/** The command that asks for the lines, and its size. */
export interface Asked {
  readonly command: string
  readonly bytes: number
}

/** Which clients of the session's node are links of this process. */
export function ownLinks({ lane, host }: SessionContext): OwnLinks {
  const node = lane.link?.master
  return node === undefined ? { has: () => false } : host.lanes.live.snapshot(node)
}

/**
 * The lines of all sessions of this port. `all`: the lines that the asker's server lists; a session whose server is
 * another one is not among them.
 */
export function* sessionLines(
  asker: SessionContext,
  all: readonly ClientLine[],
  asked: Asked,
): Generator<[SessionContext, ClientLine]> {
  const byId = new Map(all.map(line => [line.get('id') ?? '', line]))
  const some = byId.get(linkId(asker) ?? '') ?? all[0] ?? blankLine
  const now = performance.now()
  for (const session of asker.host.sessions.values()) {
    if (session.gone || session.ending) continue
    const isHere = session.host.lanes === asker.host.lanes
    const link = isHere ? byId.get(linkId(session) ?? '') : undefined
    const isAsker = session === asker
    const command = isAsker ? asked.command : session.lastCommand
    const facts = factsOf(session, now, { command, bytes: isAsker ? asked.bytes : 0 })
    const whose = session.isPrivate ? 'own' : 'shared'
    yield [session, sessionLine(link ?? some, link === undefined ? 'other' : whose, facts)]
  }
}

function factsOf(session: SessionContext, now: number, { command, bytes }: Asked): SessionFacts {
  const { state, openedAt, lastReadAt } = session
  const { addr, laddr, unix } = session.ends
  const { username, database, protocol } = state.identity
  const redirect = state.tracking === null ? undefined : trackingOptions(commandArgs(state.tracking)).redirect
  return {
    always: {
      id: String(session.clientId),
      addr,
      laddr,
      name: state.name,
      age: String(Math.floor((now - openedAt) / 1000)),
      db: String(database),
      resp: String(protocol),
      'lib-name': state.libName,
      'lib-ver': state.libVersion,
      ...(redirect && { redir: redirect.id }),
    },
    unlessOwn: {
      cmd: command,
      idle: String(Math.max(0, Math.floor((now - lastReadAt) / 1000))),
      qbuf: String(bytes),
    },
    unlessListed: unlistedFacts(session),
    user: username?.toString('latin1') ?? 'default',
    unix,
  }
}

function unlistedFacts({ state, subscriptions, transaction, isPrivate, lane }: SessionContext) {
  const flags = [
    state.monitoring && 'O',
    subscriptions.size > 0 && 'P',
    transaction !== null && 'x',
    isPrivate && isBlocked(lane) && 'b',
    state.tracking !== null && 't',
    state.noEvict && 'e',
    state.noTouch && 'T',
  ].filter(flag => flag !== false)
  return {
    flags: flags.join('') || 'N',
    sub: String(subscriptions.count('subscribe')),
    psub: String(subscriptions.count('psubscribe')),
    ssub: String(subscriptions.count('ssubscribe')),
    multi: String(transaction?.count ?? -1),
  }
}

/**
 * Takes the reply to a command of the client's and to the `listCommand` behind it, or to one CLIENT LIST that is both.
 * The client gets an error at once, and else what `then` gives it.
 */
export function listing(then: (request: Request, everyone: Buffer, first: Buffer) => void): RequestHandler {
  let first: Buffer | null = null
  let done = false
  return {
    onReply(request, frame, type) {
      if (done) return
      if (type !== ReplyType.error && request.expect > 0) {
        first = frame
        return
      }
      done = true
      if (type === ReplyType.error) request.owner.deliver(frame)
      else then(request, frame, first ?? frame)
    },
    onReplay(request) {
      first = null
      if (done) makeLocal(request, Buffer.alloc(0))
    },
    owes: () => (done ? 0 : 1),
  }
}
