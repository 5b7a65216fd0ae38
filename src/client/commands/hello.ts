// hello.ts: reads the arguments of HELLO as the server does (helloCommand in networking.c). Pure.
import { errors } from '../../errors.ts'
import { errorReply } from './constant-replies.ts'

export interface Hello {
  /** null: none is given, or one that the server refuses. */
  readonly protocol: 2 | 3 | null
  /** The last login before `error`. Servers before 7.2 sign in before they read on. */
  readonly login: { readonly username: Buffer; readonly password: Buffer } | null
  readonly name: Buffer | null
  /** The command without its logins. */
  readonly rest: readonly Buffer[]
  /** What the server answers to a command of this form; null: it accepts the form. */
  readonly error: Buffer | null
}

/** '!' to '~', as the server checks names (validateClientAttr in networking.c). */
export const isPlainText = (value: Buffer): boolean => value.every(byte => byte >= 33 && byte <= 126)

/** `args` has the command's name first. */
export function readHello(args: readonly Buffer[]): Hello {
  const rest = args.slice(0, 2)
  const version = args[1]?.toString('latin1')
  const protocol = version === '2' ? 2 : version === '3' ? 3 : null
  let login: Hello['login'] = null
  let name: Buffer | null = null
  const result = (error: Buffer | null): Hello => ({ protocol, login, name, rest, error })
  if (version !== undefined && protocol === null)
    return result(errorReply(isInteger(version) ? 'NOPROTO unsupported protocol version' : notAVersion))
  for (let i = 2; i < args.length; ) {
    const [option = Buffer.alloc(0), first, second] = args.slice(i, i + 3)
    const word = option.toString('latin1').toLowerCase()
    if (word === 'auth' && first !== undefined && second !== undefined) {
      login = { username: first, password: second }
      i += 3
    } else if (word === 'setname' && first !== undefined) {
      if (!isPlainText(first)) return result(errors.clientName.reply)
      name = first
      rest.push(option, first)
      i += 2
    } else return result(errorReply(`ERR Syntax error in HELLO option '${shown(option)}'`))
  }
  return result(null)
}

const notAVersion = 'ERR Protocol version is not an integer or out of range'

/** string2ll's grammar, within 64 bits. */
function isInteger(text: string): boolean {
  return /^(?:0|-?[1-9]\d{0,18})$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text)
}

/** As the server prints it: up to the first NUL, without line ends. */
function shown(option: Buffer): string {
  const end = option.indexOf(0)
  return option.toString('latin1', 0, end < 0 ? option.length : end).replace(/[\r\n]/g, ' ')
}
