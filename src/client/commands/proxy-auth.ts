// proxy-auth.ts: clients that must give Holdfast a password: what a session may do before, and AUTH and HELLO that end here.
//
//   signed out ── AUTH pw, AUTH user pw, HELLO n AUTH user pw: right ──▶ signed in
//       ▲──────────────────────── RESET ─────────────────────────────────────┘
//
// Answers are those of a server with requirepass (authCommand in acl.c, helloCommand in networking.c, processCommand in
// server.c), but for two: a command that does not exist or has too few arguments is told NOAUTH as well, so that a
// stranger learns nothing of the server; and a login refused behind other replies is answered, where servers forget it.
// Never: sends a client's user or password to Redis.
import { type CommandSpec, Route } from '../../command/command-spec.ts'
import { errors } from '../../errors.ts'
import { encodeCommand } from '../../resp/encode.ts'
import type { ProxyPassword } from '../state/proxy-password.ts'
import type { SessionContext } from '../state/session-context.ts'
import { handleHello, handleReset } from './identity.ts'
import type { Outcome } from './outcome.ts'
import { okReply } from './replies.ts'

/** Bytes of replies that a client may leave unread before it has signed in: a server's static buffer and 1 KB. */
const MAX_UNREAD_SIGNED_OUT = 17 * 1024

/** Handles a command of a session that has not signed in. */
export function dispatchSignedOut(
  context: SessionContext,
  login: ProxyPassword,
  { spec, frame, args }: { spec: CommandSpec; frame: Buffer; args: readonly Buffer[] },
): Outcome {
  if (context.unread > MAX_UNREAD_SIGNED_OUT) {
    context.destroy()
    return 'done'
  }
  switch (spec.route) {
    case Route.auth:
      return signIn(context, login, args)
    case Route.hello:
      return signInByHello(context, login, args)
    case Route.quit:
      context.answer(okReply)
      context.closeAfterReplies()
      return 'done'
    case Route.reset:
      if (args.length === 1) return handleReset(context, frame)
      context.answer(line("ERR wrong number of arguments for 'reset' command"))
      return 'done'
    case Route.exec:
      context.answer(errors.noAuthExec.reply)
      return 'done'
    default:
      context.answer(errors.noAuth.reply)
      return 'done'
  }
}

/** AUTH and HELLO of a session that has signed in, outside of a transaction. */
export function dispatchLogin(
  context: SessionContext,
  login: ProxyPassword,
  { spec, args }: { spec: CommandSpec; args: readonly Buffer[] },
): Outcome {
  // Whether the session is subscribed is known only when what came before has been answered.
  if (context.pending > 0) {
    return 'wait'
  }
  if (context.subscriptions.size > 0 && context.state.identity.protocol === 2) {
    context.answer(line(`ERR Can't execute '${spec.name}': ${subscribedRule}`))
    return 'done'
  }
  return spec.route === Route.auth ? signIn(context, login, args) : signInByHello(context, login, args)
}

/** Whether a HELLO or AUTH inside of a transaction would carry a password to Redis. */
export function isLoginInside(spec: CommandSpec, args: readonly Buffer[]): boolean {
  if (spec.route === Route.auth) return args.length > 1
  return args.slice(2).some(arg => arg.toString('latin1').toLowerCase() === 'auth')
}

const subscribedRule = 'only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context'

function signIn(context: SessionContext, login: ProxyPassword, args: readonly Buffer[]): Outcome {
  const [, first, second] = args
  if (first === undefined) context.answer(line("ERR wrong number of arguments for 'auth' command"))
  else if (args.length > 3) context.answer(errors.syntax.reply)
  else if (second === undefined ? login.acceptsDefault(first) : login.accepts(first, second)) {
    context.signIn()
    context.answer(okReply)
  } else refuse(context, login)
  return 'done'
}

function refuse(context: SessionContext, login: ProxyPassword): void {
  context.host.counters.loginsRefused++
  login.logRefused(context.host.log, { session: context.id, peer: context.peer })
  context.answer(errors.wrongPass.reply)
}

/** HELLO: what is about the login is judged here; the rest goes to the master, whose reply the client gets. */
function signInByHello(context: SessionContext, login: ProxyPassword, args: readonly Buffer[]): Outcome {
  const hello = readHello(args)
  if (Buffer.isBuffer(hello)) {
    context.answer(hello)
    return 'done'
  }
  if (hello.login !== null) {
    if (!login.accepts(hello.login.username, hello.login.password)) {
      refuse(context, login)
      return 'done'
    }
    context.signIn()
  } else if (!context.signedIn) {
    context.answer(errors.noAuthHello.reply)
    return 'done'
  }
  return handleHello(context, encodeCommand(hello.rest), hello.rest)
}

interface ReadHello {
  readonly login: { readonly username: Buffer; readonly password: Buffer } | null
  /** The command without its AUTH. */
  readonly rest: Buffer[]
}

/** HELLO's arguments as helloCommand reads them, or the error it answers. Of several logins the last one counts. */
export function readHello(args: readonly Buffer[]): ReadHello | Buffer {
  const rest = args.slice(0, 2)
  let login: ReadHello['login'] = null
  const version = args[1]?.toString('latin1')
  if (version !== undefined) {
    if (!isInteger(version)) return line('ERR Protocol version is not an integer or out of range')
    if (version !== '2' && version !== '3') return line('NOPROTO unsupported protocol version')
  }
  for (let i = 2; i < args.length; ) {
    const [option = Buffer.alloc(0), first, second] = args.slice(i, i + 3)
    const word = option.toString('latin1').toLowerCase()
    if (word === 'auth' && first !== undefined && second !== undefined) {
      login = { username: first, password: second }
      i += 3
    } else if (word === 'setname' && first !== undefined) {
      if (!first.every(byte => byte >= 33 && byte <= 126)) return errors.clientName.reply
      rest.push(option, first)
      i += 2
    } else return line(`ERR Syntax error in HELLO option '${shown(option)}'`)
  }
  return { login, rest }
}

/** string2ll's grammar, within 64 bits. */
function isInteger(text: string): boolean {
  return /^(?:0|-?[1-9]\d{0,18})$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text)
}

/** As the server prints it: up to the first NUL, without line ends. */
function shown(option: Buffer): string {
  const end = option.indexOf(0)
  return option.toString('latin1', 0, end < 0 ? option.length : end).replace(/[\r\n]/g, ' ')
}

function line(text: string): Buffer {
  return Buffer.from(`-${text}\r\n`, 'latin1')
}
