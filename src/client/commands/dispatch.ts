// dispatch.ts: picks what a session does with a command that is more than "send it on, pass the reply back".
//
// One switch on the command's route, see command-outcome.ts for what it answers.
// Never: touches sockets, waits, or sees the runs of plain commands (the reader sends those without asking).
import { blocksServer } from '../../command/classify.ts'
import { type CommandSpec, Route } from '../../command/command-spec.ts'
import { deniedReply, errors } from '../../errors.ts'
import { argumentCount, commandArgs, leadingArgs } from '../../resp/decode.ts'
import type { SessionContext } from '../state/session-context.ts'
import { unwatch } from '../state/session-state.ts'
import { endTransaction, isForgotten } from '../state/transaction.ts'
import { lastIdsPreflight } from './before-blocking.ts'
import { handleAuth, handleHello, handleReset, handleSelect } from './change-identity.ts'
import { handleClient } from './client.ts'
import { type Outcome, passOn, refuse, send } from './command-outcome.ts'
import { OneReply } from './one-reply-handler.ts'
import { dispatchLogin, dispatchSignedOut } from './proxy-auth.ts'
import { handleQuit } from './quit.ts'
import { Scan, scanMark } from './scan.ts'
import { rememberScript } from './script-bodies.ts'
import { handleBlocking } from './send-blocking.ts'
import { handleSubscribe } from './subscribe.ts'
import { openTransaction, queueCommand } from './transaction-queue.ts'
import { handleWait } from './wait.ts'

/**
 * A command that has to be looked at is decoded, which costs a hundred bytes for each argument, and a frame within all
 * limits may have seventy million. Plain commands are passed on whatever they hold.
 */
const MAX_ARGUMENTS = 65_536
/** Of a command with more, these are looked at: name, subcommand, a script's body. */
const LEADING_ARGUMENTS = 4
/** No command's name is as long. A client may send one of 600 MB, which JavaScript cannot hold as a string. */
const MAX_NAME_BYTES = 128

/** Routes whose commands are passed on as they are, however many arguments they have. Only the first are looked at. */
const isOpaque: Readonly<Record<number, boolean>> = {
  [Route.shared]: true,
  [Route.evalsha]: true,
  [Route.script]: true,
}

/** Handles one command of the session; `frame` is its bytes. */
export function dispatch(context: SessionContext, spec: CommandSpec, frame: Buffer): Outcome {
  const tooMany = argumentCount(frame) > MAX_ARGUMENTS
  const isPassedOn = isOpaque[spec.route] === true && context.transaction === null
  const args = tooMany || isPassedOn ? leadingArgs(frame, LEADING_ARGUMENTS) : commandArgs(frame)
  const { login, lanes } = context.host
  const command = { spec, frame, args }
  if (login !== null && !context.signedIn) return dispatchSignedOut(context, login, command)
  const name = (): string => args[0]?.toString('latin1', 0, MAX_NAME_BYTES) ?? ''
  const subcommand = (): string | null => args[1]?.toString('latin1', 0, MAX_NAME_BYTES) ?? null
  const known = spec.subcommands?.get(subcommand()?.toLowerCase() ?? '')
  if (known !== undefined) context.lastCommand = `${spec.name}|${known.name}`
  if (spec.route === Route.refuse || context.host.deny.denies(spec, name, subcommand)) {
    const shown = spec.subcommands && args[1] ? `${name()}|${subcommand()}` : name()
    const movesMarkers = spec.name === 'swapdb' && lanes.prove !== null
    return refuse(context, movesMarkers ? errors.swapsMarkers.reply : deniedReply(shown))
  }
  if (tooMany && !isOpaque[spec.route]) {
    context.host.counters.argumentsRefused++
    return refuse(context, errors.tooManyArguments.reply)
  }
  const { transaction } = context
  if (transaction !== null) {
    const ends = spec.route === Route.exec || spec.route === Route.discard
    if (ends || context.pending > 0 || !isForgotten(transaction, performance.now()))
      return queueCommand(context, transaction, command)
    endTransaction(context)
  }
  switch (spec.route) {
    case Route.blocking:
      return handleBlocking(context, frame, args, null)
    case Route.maybeBlocking:
      return blocksServer(args) ? handleBlocking(context, frame, args, lastIdsPreflight(args)) : passOn(context, frame)
    case Route.wait:
      return handleWait(context, frame, args)
    case Route.scan:
      // The cursor of HSCAN, SSCAN and ZSCAN is the second argument.
      return send(context, frame, new Scan(frame, spec.name === 'scan' ? 1 : 2, () => scanMark(lanes.moves)))
    case Route.script:
      if (endsWaiting(spec, args)) return handleRescue(context, frame)
      rememberScript(lanes.scripts, spec, args)
      return passOn(context, frame)
    case Route.multi:
      return handleMulti(context, frame, args)
    case Route.watch:
      return handleWatch(context, frame)
    case Route.unwatch:
      return send(context, frame, new OneReply({ onSuccess: () => unwatch(context.state) }))
    case Route.subscribe:
    case Route.unsubscribe:
      return handleSubscribe(context, spec, frame, args)
    case Route.monitor:
      // A second one is not answered at all (monitorCommand in replication.c), unless a RESP2 subscriber is told off.
      // Whether it is the second is known when all before is answered.
      if (context.pending > 0) return 'wait'
      if (context.state.monitoring && (context.subscriptions.size === 0 || context.state.identity.protocol === 3))
        return 'done'
      return handleMonitor(context, frame)
    case Route.own:
      return handleStateful(context, frame, () => {
        context.state.readonly = spec.name === 'readonly'
      })
    case Route.hello:
      return login === null ? handleHello(context, frame, args) : dispatchLogin(context, login, command)
    case Route.auth:
      return login === null ? handleAuth(context, frame, args) : dispatchLogin(context, login, command)
    case Route.select:
      return handleSelect(context, frame, args)
    case Route.reset:
      return args.length === 1 ? handleReset(context, frame) : passOn(context, frame)
    case Route.quit:
      return handleQuit(context)
    case Route.client: {
      if (endsWaiting(spec, args)) return handleRescue(context, frame)
      const outcome = handleClient(context, frame, args)
      return outcome === 'pass' ? passOn(context, frame) : outcome
    }
    default:
      if (!spec.known && lanes.learned.find(name())?.blocks)
        return handleBlocking(context, frame, tooMany ? args : commandArgs(frame), null)
      return passOn(context, frame)
  }
}

const rescues: ReadonlySet<string> = new Set(['script|kill', 'function|kill', 'function|stats', 'client|unpause'])

/** Ends or inspects what others wait for: behind that on a shared link it would come too late. */
function endsWaiting(spec: CommandSpec, args: readonly Buffer[]): boolean {
  return spec.subcommands !== null && rescues.has(`${spec.name}|${args[1]?.toString('latin1').toLowerCase()}`)
}

/** Its link is not in the session's database, so later commands wait until the session has left that link. */
function handleRescue(context: SessionContext, frame: Buffer): Outcome {
  if (!context.choice.takeForRescue()) return 'wait'
  passOn(context, frame)
  return 'barrier'
}

/** MULTI whose EXEC has not come yet. The reader sends a whole transaction on the shared link. */
function handleMulti(context: SessionContext, frame: Buffer, args: readonly Buffer[]): Outcome {
  if (args.length !== 1) return passOn(context, frame)
  // A command before it that the node refuses is sent again on the same link: behind MULTI it would only be queued.
  if (!context.choice.takePrivate() || context.pending > 0) return 'wait'
  return openTransaction(context, frame)
}

function handleWatch(context: SessionContext, frame: Buffer): Outcome {
  if (!context.choice.takePrivate()) return 'wait'
  const onSuccess = (): void => {
    context.state.watching = true
  }
  return send(context, frame, new OneReply({ onSuccess }))
}

function handleMonitor(context: SessionContext, frame: Buffer): Outcome {
  const { state } = context
  const prepare = (): Buffer => {
    state.monitoringSince = performance.now()
    return frame
  }
  const onSuccess = (): void => {
    state.monitoring = true
  }
  return handleStateful(context, frame, onSuccess, prepare)
}

/** A command that makes the session keep its own link once it has succeeded. */
function handleStateful(
  context: SessionContext,
  frame: Buffer,
  onSuccess: () => void,
  prepare?: () => Buffer,
): Outcome {
  if (!context.choice.takePrivate()) return 'wait'
  return send(context, frame, new OneReply({ onSuccess, prepare }))
}
