// client.ts: CLIENT and its subcommands: what Holdfast answers itself, what it remembers, what it passes on.
//
// Most clients send CLIENT SETINFO and SETNAME when they connect. Holdfast keeps and answers both, so that the session
// stays on the shared link, and tells them to the server on every link of the session's own. A malformed one (a space
// in a name, an unknown attribute) goes to the server, which answers the error and changes nothing.
import { createUnit, type RequestOwner } from '../../relay/request.ts'
import type { SessionContext } from '../state/session-context.ts'
import { trackingOptions, withPrefixesOf } from '../state/tracking-options.ts'
import { capaFor } from './client-capa.ts'
import { answerOutside, askRedirect, handleUnblock, redirectTarget, resolveRedirect } from './client-id.ts'
import { handleKill } from './client-kill.ts'
import { handleInfo, handleList } from './client-list.ts'
import { type Outcome, send } from './command-outcome.ts'
import { integerReply, nilBulk, okReply } from './constant-replies.ts'
import { handleMaintNotifications } from './handoff.ts'
import { isPlainText } from './hello.ts'
import { OneReply } from './one-reply-handler.ts'
import { answerProven } from './proof-of-login.ts'
import { whenLinked } from './redirect-target.ts'

/** Handles CLIENT outside of a transaction. */
export function handleClient(context: SessionContext, frame: Buffer, args: readonly Buffer[]): Outcome {
  const subcommand = args[1]?.toString('latin1').toLowerCase() ?? ''
  switch (subcommand) {
    case 'setname':
    case 'setinfo':
      return handleLabel(context, frame, args)
    case 'getname':
      if (args.length !== 2 || context.isPrivate) return 'pass'
      return answerProven(context, () => nameReply(context))
    case 'reply':
      return handleReply(context, args)
    case 'id':
      return args.length === 2 ? answerOutside(context, () => integerReply(context.clientId)) : 'pass'
    case 'info':
      return args.length === 2 ? handleInfo(context, frame) : 'pass'
    case 'trackinginfo':
    case 'getredir':
      return askRedirect(context, frame, subcommand)
    case 'kill':
      return handleKill(context, frame, args)
    case 'unblock':
      return handleUnblock(context, args)
    case 'list':
      return handleList(context, frame, args)
    case 'maint_notifications':
      return handleMaintNotifications(context, args)
    case 'caching':
      return args.length === 3 && context.isPrivate ? handleCaching(context, frame) : 'pass'
    case 'no-evict':
    case 'no-touch':
    case 'tracking':
    case 'import-source':
      return handleFlag(context, frame, args, subcommand)
    case 'capa':
      return handleFlag(context, capaFor(context, frame, args), args, subcommand)
    default:
      return 'pass'
  }
}

/** Changes the state as the server's OK to this CLIENT command means; used inside transactions as well. */
export function applyClient(context: SessionContext, frame: Buffer, args: readonly Buffer[]): void {
  const { state } = context
  const value = args[2]?.toString('latin1') ?? ''
  const isOn = value.toLowerCase() === 'on'
  switch (args[1]?.toString('latin1').toLowerCase()) {
    case 'setname':
      state.name = args[2]?.toString() ?? ''
      return
    case 'setinfo':
      if (value.toLowerCase() === 'lib-name') state.libName = args[3]?.toString() ?? ''
      else state.libVersion = args[3]?.toString() ?? ''
      return
    case 'no-evict':
      state.noEvict = isOn
      return
    case 'no-touch':
      state.noTouch = isOn
      return
    case 'import-source':
      state.importSource = isOn
      return
    case 'capa':
      state.capa = Buffer.from(frame)
      return
    case 'tracking':
      // The server keeps what it has read under the connection's id, and would tell the link's next session of it.
      context.lane.reusable = false
      state.tracking = isOn ? withPrefixesOf(state.tracking, frame) : null
      context.host.redirects.set(context.id, isOn ? redirectTarget(context, frame)?.id : undefined)
  }
}

function handleLabel(context: SessionContext, frame: Buffer, args: readonly Buffer[]): Outcome {
  const isName = args.length === 3 && args[1]?.toString('latin1').toLowerCase() === 'setname'
  const attribute = args[2]?.toString('latin1').toLowerCase()
  const isInfo = args.length === 4 && (attribute === 'lib-name' || attribute === 'lib-ver')
  const value = args[args.length - 1]
  if (!(isName || isInfo) || value === undefined || !isPlainText(value)) return 'pass'
  if (context.isPrivate)
    return send(context, frame, new OneReply({ onSuccess: () => applyClient(context, frame, args) }))
  return answerProven(context, () => {
    applyClient(context, frame, args)
    return okReply
  })
}

function nameReply(context: SessionContext): Buffer {
  const { name, identity } = context.state
  if (name === '') return nilBulk(identity.protocol)
  const bytes = Buffer.from(name)
  return Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')])
}

/**
 * CLIENT REPLY never reaches the server: with replies off, nobody could know whether a command ran. Holdfast takes
 * every reply and discards it instead.
 */
function handleReply(context: SessionContext, args: readonly Buffer[]): Outcome {
  const mode = args.length === 3 ? args[2]?.toString('latin1').toLowerCase() : undefined
  const { state } = context
  if (mode !== 'on' && mode !== 'off' && mode !== 'skip') return 'pass'
  return answerOutside(context, () => {
    if (mode !== 'skip') state.reply = mode
    else if (state.reply === 'on') state.reply = 'skip-next'
    return mode === 'on' ? okReply : null
  })
}

/** It holds for the next command only, which may go out on another link. */
function handleCaching(context: SessionContext, frame: Buffer): Outcome {
  context.state.cachingSent = context.place
  const onSuccess = (): void => {
    context.state.caching = { frame: Buffer.from(frame), answered: context.place - context.pending }
  }
  return send(context, frame, new OneReply({ onSuccess, isForNext: true }))
}

function handleFlag(context: SessionContext, frame: Buffer, args: readonly Buffer[], subcommand: string): Outcome {
  // Switching off what is off changes nothing, on a shared link as well.
  const isOff = subcommand !== 'capa' && args[2]?.toString('latin1').toLowerCase() === 'off'
  if (isOff && !context.isPrivate) return subcommand === 'tracking' ? passOff(context, frame, args) : 'pass'
  if (!context.choice.takePrivate()) return 'wait'
  const onSuccess = (): void => applyClient(context, frame, args)
  const prepare = (): Buffer => (subcommand === 'tracking' ? resolveRedirect(context, frame) : frame)
  const { redirects } = context.host
  const onRefused = (): void => {
    if (subcommand === 'tracking') redirects.set(context.id, targetInForce(context)?.id)
  }
  const send = (owner: RequestOwner): void =>
    context.submit(createUnit(owner, frame, 1, 1, new OneReply({ onSuccess, onRefused, prepare })))
  const target = subcommand === 'tracking' && !isOff ? redirectTarget(context, frame) : undefined
  if (target === undefined || target === context) send(context.replyTo())
  else {
    redirects.set(context.id, target.id) // from now on it keeps its link
    whenLinked(context, target, send)
  }
  return 'barrier'
}

/** CLIENT TRACKING OFF, where nothing is on. */
function passOff(context: SessionContext, frame: Buffer, args: readonly Buffer[]): Outcome {
  if (trackingOptions(args).redirects.length === 0) return 'pass'
  return send(context, frame, new OneReply({ prepare: () => resolveRedirect(context, frame) }))
}

function targetInForce(context: SessionContext): SessionContext | undefined {
  const { tracking } = context.state
  return tracking === null ? undefined : redirectTarget(context, tracking)
}
