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
import { makeLocal, type Request, type RequestHandler } from '../../relay/request.ts'
import { encodeCommand } from '../../resp/encode.ts'
import { ReplyType } from '../../resp/reply-scanner.ts'
import type { SessionContext } from '../state/session-context.ts'
import { type ClientFilter, parseFilters } from './client-filters.ts'
import { type ClientLine, parseLines, replyText } from './client-lines.ts'
import { isWatcher, listCommand, sessionLines } from './client-list.ts'
import { type Outcome, send, sendAsRead } from './outcome.ts'
import { integerReply, okReply } from './replies.ts'

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
  return sendAsRead(context, bytes, new Choosing(context, kill), { replies: 2 })
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
  const number = context.host.ids.sessionOf(id)
  const find = (): SessionContext | undefined => (number === undefined ? undefined : context.host.sessions.get(number))
  const isOurs = (): boolean => number !== undefined || context.host.lanes.live.snapshot().has(id, '')
  const master = new SameMaster(context, null)
  const handler: RequestHandler = {
    onSend(request) {
      if (isOurs()) request.bytes = kill.harmless
      else if (!master.holds()) makeLocal(request, integerReply(0))
    },
    onReply(request, reply, type) {
      const target = type === ReplyType.error ? undefined : find()
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

/** A client id means somebody only on the node that gave it. */
class SameMaster {
  readonly #context: SessionContext
  #master: Master | null

  constructor(context: SessionContext, master: Master | null) {
    this.#context = context
    this.#master = master
  }

  /** Call it just before sending: is it still the node of the first time? */
  holds(): boolean {
    const master = this.#context.lane.link?.master
    if (master === undefined) return false
    this.#master ??= master
    return isSameTerm(this.#master, master)
  }
}

/** Sends the harmless form and CLIENT LIST: their replies tell who is meant. */
class Choosing implements RequestHandler {
  readonly #context: SessionContext
  readonly #kill: Kill | undefined
  #done = false

  constructor(context: SessionContext, kill: Kill | undefined) {
    this.#context = context
    this.#kill = kill
  }

  onReply(request: Request, frame: Buffer, type: number): void {
    if (this.#done) return
    const isError = type === ReplyType.error
    if (!isError && request.expect > 0) return
    this.#done = true
    if (isError) request.owner.deliver(frame)
    else if (this.#kill === undefined) request.owner.deliver(errors.clientFilter.reply)
    else this.#end(request, this.#kill, parseLines(replyText(frame) ?? ''))
  }

  #end(request: Request, kill: Kill, all: readonly ClientLine[]): void {
    const context = this.#context
    let strangers = strangersAmong(context, kill, all)
    let sessions: SessionContext[] = []
    for (const [session, line] of sessionLines(context, all, { command: 'client|kill', bytes: 0 }))
      if (kill.filter.test(line) && !(session === context && kill.skipMe)) sessions.push(session)
    if (kill.isOldForm) {
      strangers = strangers.slice(0, 1)
      sessions = sessions.slice(0, 1 - strangers.length)
    }
    const ended = new Ended(context, kill, sessions)
    if (strangers.length === 0) {
      ended.tell(request, 0)
      return
    }
    const bytes = Buffer.concat(strangers.map(id => encodeCommand(['CLIENT', 'KILL', 'ID', id])))
    const master = new SameMaster(context, context.lane.link?.master ?? null)
    const { owner } = request
    sendAsRead(context, bytes, killingStrangers(ended, master), { replies: strangers.length, owner })
  }

  onReplay(request: Request): void {
    if (this.#done) makeLocal(request, Buffer.alloc(0))
  }

  owes(): number {
    return this.#done ? 0 : 1
  }
}

function strangersAmong(context: SessionContext, { filter }: Kill, all: readonly ClientLine[]): string[] {
  const own = context.host.lanes.live.snapshot()
  const ids: string[] = []
  for (const line of all) {
    const [id = '', address = ''] = [line.get('id'), line.get('addr')]
    const spared = isWatcher(line) && !filter.namesOne
    if (!spared && filter.test(line) && !own.has(id, address)) ids.push(id)
  }
  return ids
}

/** The sessions that are meant, and the reply that counts them. */
class Ended {
  readonly #context: SessionContext
  readonly #kill: Kill
  readonly #sessions: readonly SessionContext[]

  constructor(context: SessionContext, kill: Kill, sessions: readonly SessionContext[]) {
    this.#context = context
    this.#kill = kill
    this.#sessions = sessions
  }

  reply(strangers: number): Buffer {
    const count = strangers + this.#sessions.length
    if (this.#kill.isOldForm) return count > 0 ? okReply : noSuchClient
    return integerReply(count)
  }

  /** The client that asked may be one of them, so it gets the reply first. */
  tell(request: Request, strangers: number): void {
    request.owner.deliver(this.reply(strangers))
    this.end()
  }

  end(): void {
    for (const session of this.#sessions) if (!session.gone) session.kill(this.#context.clientId)
  }
}

/**
 * CLIENT KILL ID for each stranger, at the server that listed them and at no other. Sent again, it counts those that
 * are gone once.
 */
function killingStrangers(ended: Ended, master: SameMaster): RequestHandler {
  let killed = 0
  return {
    onSend(request) {
      if (master.holds()) return
      makeLocal(request, ended.reply(killed))
      ended.end()
    },
    onReply(request, frame) {
      if (frame.toString('latin1') === ':1\r\n') killed++
      if (request.expect === 0) ended.tell(request, killed)
    },
    owes: () => 1,
    onFailed: () => ended.end(),
  }
}
