// id-commands.ts — the CLIENT commands that tell or name a client id: ID, INFO, LIST, KILL, UNBLOCK, GETREDIR,
// TRACKINGINFO, and TRACKING's REDIRECT. Ids that this proxy has told are put in the place of the server's and back.

import { createUnit } from '../relay/request.ts'
import { commandArgs } from '../resp/decode.ts'
import { encodeCommand } from '../resp/encode.ts'
import { redirectIn, rewriteInfoId, rewriteRedirect, sessionOfId, virtualId } from './client-ids.ts'
import type { SessionContext } from './context.ts'
import { OneReply } from './handlers.ts'

/** What to do with one CLIENT command: `done`, `wait` (offer it again later), or `pass` it on as any other command. */
export type ClientOutcome = 'done' | 'wait' | 'pass'

/** Handles one of these subcommands outside of a transaction. */
export function handleIds(
  context: SessionContext,
  frame: Buffer,
  args: readonly Buffer[],
  subcommand: string,
): ClientOutcome {
  switch (subcommand) {
    case 'id':
      if (args.length !== 2) return 'pass'
      context.answer(Buffer.from(`:${virtualId(context.id)}\r\n`))
      return 'done'
    case 'info':
      if (args.length !== 2) return 'pass'
      if (!context.takePrivate()) return 'wait'
      return ask(context, frame, reply => rewriteInfoId(reply, context.id))
    case 'trackinginfo':
    case 'getredir':
      return askRedirect(context, frame, subcommand)
    case 'kill':
      return handleKill(context, args)
    case 'unblock':
      return handleUnblock(context, args)
    default:
      return handleNamed(context, args)
  }
}

/** CLIENT TRACKING with the real id behind REDIRECT, where the session it names has a link of its own just now. */
export function resolveRedirect(context: SessionContext, frame: Buffer): Buffer {
  const args = commandArgs(frame)
  const redirect = redirectIn(args)
  const real = redirect === undefined ? undefined : realId(context, redirect.id)
  if (redirect === undefined || real === undefined) return frame
  args[redirect.place] = Buffer.from(real)
  return encodeCommand(args)
}

/** The session of ours that this CLIENT TRACKING sends invalidations to; undefined: to itself, or to a stranger. */
export function redirectTarget(context: SessionContext, frame: Buffer): SessionContext | undefined {
  const redirect = redirectIn(commandArgs(frame))
  return redirect === undefined ? undefined : targetOf(context, redirect.id)
}

/** The server's id of the link that a session with this id has now; undefined where it has none or it is no id of ours. */
function realId(context: SessionContext, id: string): string | undefined {
  const target = targetOf(context, id)
  if (target === undefined || !target.isPrivate) return undefined
  const clientId = target.lane.link?.handshake.clientId
  return clientId ? String(clientId) : undefined
}

function targetOf(context: SessionContext, id: string): SessionContext | undefined {
  const session = sessionOfId(id)
  return session === undefined ? undefined : context.findSession(session)
}

function ask(context: SessionContext, frame: Buffer, rewrite: (reply: Buffer) => Buffer): ClientOutcome {
  context.submit(createUnit(context.replyTo(), frame, 1, 1, new OneReply({ rewrite })))
  return 'done'
}

function askRedirect(context: SessionContext, frame: Buffer, subcommand: string): ClientOutcome {
  const { tracking } = context.state
  const redirect = tracking === null ? undefined : redirectIn(commandArgs(tracking))
  if (redirect === undefined) return 'pass'
  if (subcommand === 'trackinginfo') return ask(context, frame, reply => rewriteRedirect(reply, redirect.id))
  return ask(context, frame, reply => (/^:[1-9]/.test(reply.toString('latin1', 0, 2)) ? integer(redirect.id) : reply))
}

const integer = (value: string | number): Buffer => Buffer.from(`:${value}\r\n`)

/**
 * CLIENT KILL ID n [other filters]. A session is ended here: on a shared link the server's kill would hit all others, and
 * one that has a link of its own would get a new one. Other filters of the latter are the server's to judge.
 */
function handleKill(context: SessionContext, args: readonly Buffer[]): ClientOutcome {
  const named = idArgument(args)
  const target = named === undefined ? undefined : targetOf(context, named.id)
  if (named === undefined || target === undefined) return handleNamed(context, args)
  const alone = args.length === 4
  if (!alone && target.isPrivate) return askKill(context, args, { place: named.place, target })
  const skipsItself = target.id === context.id && !/^no$/i.test(filter(args, 'skipme') ?? 'yes')
  if (!alone && skipsItself) {
    context.answer(integer(0))
    return 'done'
  }
  context.answer(integer(1))
  endSession(context, target)
  return 'done'
}

function askKill(
  context: SessionContext,
  args: readonly Buffer[],
  { place, target }: { place: number; target: SessionContext },
): ClientOutcome {
  return askNamed(context, args, place, reply => {
    if (reply.toString('latin1') === ':1\r\n') endSession(context, target)
    return reply
  })
}

/** Its own killer is still told. */
function endSession(context: SessionContext, target: SessionContext): void {
  if (target.id === context.id) context.closeAfterReplies()
  else target.destroy()
}

function filter(args: readonly Buffer[], name: string): string | undefined {
  const at = args.findIndex((arg, i) => i > 1 && i % 2 === 0 && arg.toString('latin1').toLowerCase() === name)
  return at < 0 ? undefined : args[at + 1]?.toString('latin1')
}

function idArgument(args: readonly Buffer[]): { place: number; id: string } | undefined {
  const at = args.findIndex((arg, i) => i > 1 && i % 2 === 0 && arg.toString('latin1').toLowerCase() === 'id')
  const id = at < 0 ? undefined : args[at + 1]?.toString('latin1')
  return id === undefined ? undefined : { place: at + 1, id }
}

/** A session that is not blocked has no link of its own: nothing to unblock. */
function handleUnblock(context: SessionContext, args: readonly Buffer[]): ClientOutcome {
  const id = args[2]?.toString('latin1') ?? ''
  const target = targetOf(context, id)
  if (target === undefined) return 'pass'
  if (!target.isPrivate) {
    context.answer(integer(0))
    return 'done'
  }
  return askNamed(context, args, 2)
}

/** LIST ID and KILL ID: every id of ours becomes the one of the link that its session uses now. */
function handleNamed(context: SessionContext, args: readonly Buffer[]): ClientOutcome {
  const from = args.findIndex((arg, i) => i > 1 && arg.toString('latin1').toLowerCase() === 'id')
  const named = from >= 0 && args.slice(from + 1).some(arg => targetOf(context, arg.toString('latin1')) !== undefined)
  return named ? askNamed(context, args, from + 1) : 'pass'
}

/** The ids are looked up when the command is sent, and again if it is sent again: only then is the link known. */
function askNamed(
  context: SessionContext,
  args: readonly Buffer[],
  from: number,
  rewrite: (reply: Buffer) => Buffer = reply => reply,
): ClientOutcome {
  const prepare = (): Buffer => {
    const sent = args.map((arg, i) => {
      const clientId = i < from ? 0 : targetOf(context, arg.toString('latin1'))?.lane.link?.handshake.clientId
      return clientId ? Buffer.from(String(clientId)) : arg
    })
    return encodeCommand(sent)
  }
  context.submit(createUnit(context.replyTo(), prepare(), 1, 1, new OneReply({ prepare, rewrite })))
  return 'done'
}
