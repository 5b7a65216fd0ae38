// asker.ts: one client of the Sentinel port as far as its commands matter: what it has said, and what it is answered.
// Pure: no socket, no clock.
//
// Owns: its protocol, name and subscriptions, and whether it has signed in, where clients have to. Never: publishes
// anything: the address that it tells never changes.
import { errors, refusedToSubscriber } from '../errors.ts'
import { array, bulk, failure, integer, map, nilBulk, type Protocol, push, simple } from './replies.ts'
import { answerSentinel, infoOf, roleOf, TOLD_VERSION, type Told } from './sentinel-answers.ts'

const OK = simple('OK')
/** A client of Sentinels has a handful. */
const MAX_CHANNELS = 1_000
/** To a subscriber of RESP2; what does not exist is unknown to it as well (processCommand in server.c). */
const refusedInSubscription: ReadonlySet<string> = new Set([
  'sentinel',
  'hello',
  'auth',
  'client',
  'command',
  'info',
  'role',
])
/** CLIENT subcommands that are taken and change nothing here. */
const taken: ReadonlySet<string> = new Set(['no-evict', 'no-touch'])

/** Before a login nothing else is answered, as at a Sentinel with requirepass. */
const openToStrangers: ReadonlySet<string> = new Set(['auth', 'hello', 'quit'])

/** Who may ask: the password that clients of --listen need as well. */
export interface Login {
  /** `username` null: the default user. */
  accepts(username: Buffer | null, password: Buffer): boolean
  /** Counts and logs a login that was refused. */
  noteRefused(): void
}

export class Asker {
  /** Nothing more is answered: QUIT. */
  over = false
  readonly #told: Told
  readonly #id: number
  /** Null: nobody has to sign in. */
  readonly #login: Login | null
  #signedIn: boolean
  #protocol: Protocol = 2
  #name = ''
  readonly #channels = new Set<string>()
  readonly #patterns = new Set<string>()

  /** `id`: as CLIENT ID and HELLO tell it. */
  constructor(told: Told, id: number, login: Login | null) {
    this.#told = told
    this.#id = id
    this.#login = login
    this.#signedIn = login === null
  }

  /** The answer to one command, its name first; one character for each byte. */
  answer(words: readonly string[]): string {
    const [given = '', ...args] = words
    const name = given.toLowerCase()
    if (!this.#signedIn && !openToStrangers.has(name)) return noAuth
    if (this.#protocol === 2 && this.#count > 0 && refusedInSubscription.has(name))
      return failure(refusedToSubscriber(name))
    switch (name) {
      case 'sentinel':
        return answerSentinel(this.#told, this.#protocol, args)
      case 'ping':
        return this.#ping(args)
      case 'hello':
        return this.#hello(args)
      case 'auth':
        return this.#auth(args)
      case 'client':
        return this.#client(args)
      case 'command':
        return this.#commands(args)
      case 'info':
        return infoOf(
          this.#told,
          args.map(arg => arg.toLowerCase()),
        )
      case 'role':
        return args.length === 0 ? roleOf(this.#told) : wrongArity(name)
      case 'subscribe':
      case 'psubscribe':
        return args.length === 0 ? wrongArity(name) : this.#subscribe(name, args)
      case 'unsubscribe':
      case 'punsubscribe':
        return this.#unsubscribe(name, args)
      case 'quit':
        this.over = true
        return OK
      default:
        return failure(`ERR unknown command '${given.slice(0, 128)}', with args beginning with: ${shown(args)}`)
    }
  }

  get #count(): number {
    return this.#channels.size + this.#patterns.size
  }

  #auth(args: readonly string[]): string {
    const [first, second, ...more] = args
    if (first === undefined || more.length > 0) return wrongArity('auth')
    const isRight = second === undefined ? this.#signIn(null, first) : this.#signIn(first, second)
    return isRight ? OK : wrongPass
  }

  /** Where nobody has to sign in, whatever is given is right: an application that has a password goes on. */
  #signIn(username: string | null, password: string): boolean {
    if (this.#login === null) return true
    if (this.#login.accepts(username === null ? null : bytesOf(username), bytesOf(password))) this.#signedIn = true
    else {
      this.#login.noteRefused()
      return false
    }
    return true
  }

  #ping(args: readonly string[]): string {
    if (args.length > 1) return wrongArity('ping')
    if (this.#protocol === 2 && this.#count > 0) return array([bulk('pong'), bulk(args[0] ?? '')])
    return args[0] === undefined ? simple('PONG') : bulk(args[0])
  }

  #hello(args: readonly string[]): string {
    const [version] = args
    if (version !== undefined && !/^-?\d{1,18}$/.test(version))
      return failure('ERR Protocol version is not an integer or out of range')
    if (version !== undefined && version !== '2' && version !== '3')
      return failure('NOPROTO unsupported protocol version')
    let name: string | null = null
    let login: readonly [string, string] | null = null
    for (let i = 1; i < args.length; ) {
      const word = args[i]?.toLowerCase()
      if (word === 'auth' && i + 2 < args.length) {
        login = [args[i + 1] ?? '', args[i + 2] ?? '']
        i += 3
      } else if (word === 'setname' && i + 1 < args.length) {
        name = args[i + 1] ?? ''
        i += 2
      } else return failure(`ERR Syntax error in HELLO option '${args[i]?.slice(0, 64)}'`)
    }
    if (login !== null && !this.#signIn(...login)) return wrongPass
    if (!this.#signedIn) return noAuthHello
    if (name !== null && !isName(name)) return badName
    if (version !== undefined) this.#protocol = version === '3' ? 3 : 2
    if (name !== null) this.#name = name
    return map(this.#protocol, [
      ['server', bulk('redis')],
      ['version', bulk(TOLD_VERSION)],
      ['proto', integer(this.#protocol)],
      ['id', integer(this.#id)],
      ['mode', bulk('sentinel')],
      ['modules', array([])],
    ])
  }

  #client(args: readonly string[]): string {
    const [word, value] = args
    if (word === undefined) return wrongArity('client')
    const subcommand = word.toLowerCase()
    if (subcommand === 'id' && args.length === 1) return integer(this.#id)
    if (subcommand === 'getname' && args.length === 1)
      return this.#name === '' ? nilBulk(this.#protocol) : bulk(this.#name)
    if (subcommand === 'setname' && value !== undefined && args.length === 2) {
      if (!isName(value)) return badName
      this.#name = value
      return OK
    }
    if (subcommand === 'setinfo') return setInfo(args)
    if (taken.has(subcommand)) return OK
    return failure(`ERR unknown subcommand '${word.slice(0, 128)}'. Try CLIENT HELP.`)
  }

  /** redis-cli and some libraries ask what there is; they go on without. */
  #commands([subcommand]: readonly string[]): string {
    switch (subcommand?.toLowerCase()) {
      case 'count':
        return integer(0)
      case 'docs':
        return map(this.#protocol, [])
      default:
        return array([])
    }
  }

  #subscribe(name: 'subscribe' | 'psubscribe', channels: readonly string[]): string {
    const kept = name === 'subscribe' ? this.#channels : this.#patterns
    if (this.#count + channels.length > MAX_CHANNELS)
      return failure(`ERR holdfast: more than ${MAX_CHANNELS} channels are not supported here`)
    return channels.map(channel => this.#confirm(name, bulk(channel), kept.add(channel))).join('')
  }

  #unsubscribe(name: 'unsubscribe' | 'punsubscribe', channels: readonly string[]): string {
    const kept = name === 'unsubscribe' ? this.#channels : this.#patterns
    const gone = channels.length > 0 ? channels : [...kept]
    if (gone.length === 0) return this.#confirm(name, nilBulk(this.#protocol), kept)
    return gone.map(channel => this.#confirm(name, bulk(channel), kept.delete(channel))).join('')
  }

  /** `_`: what was done before the count is taken. */
  #confirm(name: string, channel: string, _: unknown): string {
    return push(this.#protocol, [bulk(name), channel, integer(this.#count)])
  }
}

const wrongArity = (name: string): string => failure(`ERR wrong number of arguments for '${name}' command`)
const textOf = (reply: Buffer): string => reply.toString('latin1')
const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1')
const noAuth = textOf(errors.noAuth.reply)
const noAuthHello = textOf(errors.noAuthHello.reply)
const wrongPass = textOf(errors.wrongPass.reply)
const badName = failure('ERR Client names cannot contain spaces, newlines or special characters.')

/** The library is not kept: nobody can list the clients of this port. */
function setInfo([, option, value, ...more]: readonly string[]): string {
  if (option === undefined || value === undefined || more.length > 0) return wrongArity('client|setinfo')
  if (!['lib-name', 'lib-ver'].includes(option.toLowerCase()))
    return failure(`ERR Unrecognized option '${option.slice(0, 64)}'`)
  return isName(value) ? OK : failure(`ERR ${option} cannot contain spaces, newlines or special characters.`)
}
const isName = (name: string): boolean => /^[!-~]*$/.test(name)

/** As the server shows them (rejectCommand in server.c): 128 bytes together at most. */
function shown(args: readonly string[]): string {
  let text = ''
  for (const arg of args) {
    if (text.length >= 128) break
    text += `'${arg.slice(0, 128 - text.length)}' `
  }
  return text
}
