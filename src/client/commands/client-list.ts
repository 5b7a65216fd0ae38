// client-list.ts: CLIENT LIST and CLIENT INFO. The client gets the server's list, with a line for each session of this
// process in place of the lines of its links.
//
//   the client's CLIENT LIST, then CLIENT LIST ──▶ master   the first: form and rights; the second: our links
//   client ◀── [what the first lists, without our links] + [our sessions, by the same filters]
//
// Never: ends anybody (client-kill.ts).

import { errors } from '../../errors.ts'
import { makeLocal, type Request, type RequestHandler } from '../../relay/request.ts'
import { commandArgs } from '../../resp/decode.ts'
import { encodeCommand } from '../../resp/encode.ts'
import { ReplyType } from '../../resp/reply-scanner.ts'
import { redirectIn } from '../state/client-ids.ts'
import type { SessionContext } from '../state/session-context.ts'
import { type ClientFilter, parseFilters } from './client-filters.ts'
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
import { type Outcome, send, sendAsRead } from './outcome.ts'

/**
 * A connection by which some Holdfast watches the master. It is not listed, and spared unless an id or address names
 * it.
 */
export const isWatcher = (line: ClientLine): boolean => line.get('name') === 'holdfast-watcher'

/** Lists the server's clients, ours among them by their links. */
export const listCommand = encodeCommand(['CLIENT', 'LIST'])

/** CLIENT LIST with or without filters. */
export function handleList(context: SessionContext, frame: Buffer, args: readonly Buffer[]): Outcome {
  const isPlain = args.length === 2
  const bytes = isPlain ? frame : Buffer.concat([frame, listCommand])
  const handler = listing(context, isPlain ? null : args, frame.length)
  sendAsRead(context, bytes, handler, { replies: isPlain ? 1 : 2 })
  return 'done'
}

/** CLIENT INFO: the line of the session's link, with the session's own values. */
export function handleInfo(context: SessionContext, frame: Buffer): Outcome {
  const asked = { command: 'client|info', bytes: frame.length }
  const onReply = (request: Request, reply: Buffer): void => {
    const [link] = parseLines(replyText(reply) ?? '')
    const facts = { ...factsOf(context, performance.now(), asked), idleS: 0 }
    const line = link && sessionLine(link, context.isPrivate ? 'own' : 'shared', facts)
    request.owner.deliver(line === undefined ? reply : replyLike(reply, formatLine(line)))
  }
  return send(context, frame, { onReply })
}

/** The command that asks for the lines, and its size. */
export interface Asked {
  readonly command: string
  readonly bytes: number
}

/** The lines of all sessions of this process. `all`: the lines that the server lists. */
export function* sessionLines(
  asker: SessionContext,
  all: readonly ClientLine[],
  asked: Asked,
): Generator<[SessionContext, ClientLine]> {
  const byId = new Map(all.map(line => [line.get('id') ?? '', line]))
  const idOf = (session: SessionContext): string => String(session.lane.link?.handshake.clientId ?? 0)
  const some = byId.get(idOf(asker)) ?? all[0] ?? blankLine
  const now = performance.now()
  for (const session of asker.host.sessions.values()) {
    if (session.gone || session.ending) continue
    const link = byId.get(idOf(session))
    const isAsker = session === asker
    const command = isAsker ? asked.command : session.lastCommand
    const facts = factsOf(session, now, { command, bytes: isAsker ? asked.bytes : 0 })
    const whose = session.isPrivate ? 'own' : 'shared'
    yield [session, sessionLine(link ?? some, link === undefined ? 'other' : whose, facts)]
  }
}

function factsOf(session: SessionContext, now: number, { command, bytes }: Asked): SessionFacts {
  const { state, ends, openedAt, lastReadAt } = session
  const { username, database, protocol } = state.identity
  const redirect = state.tracking === null ? undefined : redirectIn(commandArgs(state.tracking))
  return {
    id: String(session.clientId),
    ...ends,
    name: state.name,
    ageS: Math.floor((now - openedAt) / 1000),
    idleS: Math.max(0, Math.floor((now - lastReadAt) / 1000)),
    db: database,
    user: username?.toString('latin1') ?? 'default',
    resp: protocol,
    libName: state.libName,
    libVersion: state.libVersion,
    command,
    redirect: redirect?.id ?? null,
    queryBytes: bytes,
  }
}

/** `args`: those of a CLIENT LIST with filters; null: it has none. */
function listing(context: SessionContext, args: readonly Buffer[] | null, bytes: number): RequestHandler {
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
      request.owner.deliver(type === ReplyType.error ? frame : merged(context, args, bytes, first ?? frame, frame))
    },
    onReplay(request) {
      first = null
      if (done) makeLocal(request, Buffer.alloc(0))
    },
    owes: () => (done ? 0 : 1),
  }
}

function merged(
  context: SessionContext,
  args: readonly Buffer[] | null,
  bytes: number,
  listed: Buffer,
  everyone: Buffer,
): Buffer {
  const filter = args === null ? everybody : parseFilters(args)
  if (filter === undefined) return errors.clientFilter.reply
  const own = context.host.lanes.live.snapshot()
  const all = parseLines(replyText(everyone) ?? '')
  let text = ''
  for (const line of listed === everyone ? all : parseLines(replyText(listed) ?? ''))
    if (!isWatcher(line) && !own.has(line.get('id') ?? '', line.get('addr') ?? '')) text += formatLine(line)
  for (const [session, line] of sessionLines(context, all, { command: 'client|list', bytes }))
    if (filter.test(line) && !(session === context && filter.skipMe === true)) text += formatLine(line)
  return replyLike(listed, text)
}

const everybody: Pick<ClientFilter, 'test' | 'skipMe'> = { test: () => true, skipMe: null }
