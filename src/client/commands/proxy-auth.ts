// proxy-auth.ts: a session that must give Holdfast a password: what it may do before, and AUTH and HELLO that end here.
//
//   signed out ── AUTH pw, AUTH user pw, HELLO n AUTH user pw: right ──▶ signed in
//       ▲──────────────────────── RESET ─────────────────────────────────────┘
//
// The answers are those of a server since 7.2 with requirepass (authCommand in acl.c, helloCommand in networking.c,
// processCommand in server.c), with two exceptions. A command that does not exist or lacks arguments gets NOAUTH too,
// so that a stranger learns nothing of the server. A login refused behind other replies is answered; servers do not
// answer it.
// Never: sends a client's user or password to Redis.
import { Route } from '../../command/command-spec.ts'
import { errors, refusedToSubscriber } from '../../errors.ts'
import { encodeCommand } from '../../resp/encode.ts'
import { MAX_UNREAD_SIGNED_OUT } from '../flow/reply-window.ts'
import type { ProxyPassword } from '../state/proxy-password.ts'
import type { SessionContext } from '../state/session-context.ts'
import { handleHello, handleReset } from './change-identity.ts'
import { isRefusedSubscriber } from './client-id.ts'
import { answer, type Command, type Outcome } from './command-outcome.ts'
import { errorReply, okReply } from './constant-replies.ts'
import { readHello } from './hello.ts'
import { handleQuit } from './quit.ts'

/** Handles a command of a session that has not signed in. */
export function dispatchSignedOut(
  context: SessionContext,
  login: ProxyPassword,
  { spec, frame, args }: Command,
): Outcome {
  if (context.unread > MAX_UNREAD_SIGNED_OUT) {
    context.endUnread('signed-out')
    return 'done'
  }
  switch (spec.route) {
    case Route.auth:
      return signIn(context, login, args)
    case Route.hello:
      return signInByHello(context, login, args)
    case Route.quit:
      return handleQuit(context)
    case Route.reset:
      if (args.length === 1) return handleReset(context, frame)
      return answer(context, errorReply("ERR wrong number of arguments for 'reset' command"))
    case Route.exec:
      return answer(context, errors.noAuthExec.reply)
    default:
      return answer(context, errors.noAuth.reply)
  }
}

/** AUTH and HELLO of a session that has signed in, outside of a transaction. */
export function dispatchLogin(context: SessionContext, login: ProxyPassword, { spec, args }: Command): Outcome {
  // Whether the session is subscribed is known only when what came before has been answered.
  if (context.pending > 0) return 'wait'
  if (isRefusedSubscriber(context)) return answer(context, errorReply(refusedToSubscriber(spec.name)))
  return spec.route === Route.auth ? signIn(context, login, args) : signInByHello(context, login, args)
}

function signIn(context: SessionContext, login: ProxyPassword, args: readonly Buffer[]): Outcome {
  const [, first, second] = args
  if (first === undefined) return answer(context, errorReply("ERR wrong number of arguments for 'auth' command"))
  if (args.length > 3) return answer(context, errors.syntax.reply)
  const isRight = second === undefined ? login.accepts(null, first) : login.accepts(first, second)
  if (!isRight) return refuse(context, login)
  context.signIn()
  return answer(context, okReply)
}

function refuse(context: SessionContext, login: ProxyPassword): Outcome {
  context.host.counters.loginsRefused++
  login.logRefused(context.host.log, { session: context.id, peer: context.ends.peer })
  return answer(context, errors.wrongPass.reply)
}

/** HELLO: what is about the login is judged here; the rest goes to the master, whose reply the client gets. */
function signInByHello(context: SessionContext, login: ProxyPassword, args: readonly Buffer[]): Outcome {
  const hello = readHello(args)
  if (hello.error !== null) return answer(context, hello.error)
  if (hello.login !== null) {
    if (!login.accepts(hello.login.username, hello.login.password)) return refuse(context, login)
    context.signIn()
  } else if (!context.signedIn) return answer(context, errors.noAuthHello.reply)
  return handleHello(context, encodeCommand(hello.rest), hello.rest)
}
