// value-kinds.ts: the kinds of values that options have: each turns a text into a value, or says what it expects. Pure.
// Never: knows an option by name or a source, or throws for a wrong text.
import { isIPv4, isIPv6 } from 'node:net'
import { type Address, parseAddress } from '../address.ts'
import { parseDenyEntry } from '../command/deny-list.ts'
import type { NatRule } from '../transport/nat-map.ts'
import type { Secret } from '../transport/secret.ts'
import type { Kind, Read } from './option.ts'

/** Any text that is not empty and has no control characters: a line end in a name is always an accident. */
export function plainText(placeholder: string): Kind<string> {
  return {
    placeholder,
    form: 'text',
    read: given =>
      isPlainText(given) ? { value: given } : { expected: 'text of at least one character, on one line' },
  }
}

/** A name by which Sentinels know a master; `listen`: where its clients connect, in the form for several masters. */
export interface NamedMaster {
  readonly name: string
  readonly listen: Address | null
}

/** `NAME`, or for several masters `NAME=[HOST:]PORT` with commas between them. */
export function masterNames(defaultHost: string): Kind<readonly [NamedMaster, ...NamedMaster[]]> {
  return {
    placeholder: 'NAME|NAME=[HOST:]PORT[,...]',
    form: 'text; for several masters names and where each listens',
    read: given => {
      if (!isPlainText(given)) return { expected: 'text of at least one character, on one line' }
      // Sentinel's names have letters, digits, and the characters .-_ (its documentation of sentinel monitor).
      if (!/[=,]/.test(given)) return { value: [{ name: given, listen: null }] }
      const found = new Map<string, NamedMaster>()
      for (const part of splitList(given)) {
        const [, name = '', place = ''] = /^([^=]+)=(.*)$/.exec(part) ?? []
        const read = listenAddress(defaultHost).read(place)
        if (name === '' || !('value' in read)) {
          return { expected: 'NAME=PORT or NAME=HOST:PORT for each of several masters, separated by commas', part }
        }
        if (found.has(name)) return { expected: 'each master once', part }
        found.set(name, { name, listen: read.value })
      }
      const [first, ...others] = [...found.values()]
      return first ? { value: [first, ...others] } : { expected: 'at least one NAME=PORT' }
    },
  }
}

/** `true` or `false`, or the words of a switch. */
export const trueFalse: Kind<boolean> = {
  placeholder: 'true|false',
  form: 'true, false',
  read: given => {
    const value = { true: true, on: true, false: false, off: false }[given]
    return value === undefined ? { expected: 'true or false' } : { value }
  },
}

/** A password: at least one byte of any kind. */
export const password: Kind<Secret> = {
  placeholder: 'PASSWORD',
  form: 'text, never shown',
  read: given =>
    given === '' ? { expected: 'a password, or the option left out where there is none' } : { value: given },
}

/** One of the words, written as they are. */
export function oneOf<const W extends string>(...words: readonly W[]): Kind<W> {
  return {
    placeholder: words.length > 3 ? 'LEVEL' : words.join('|'),
    form: words.join(', '),
    read: given => {
      const value = words.find(word => word === given)
      return value === undefined ? { expected: `one of ${words.join(', ')}` } : { value }
    },
  }
}

/** How many replicas must have a write before its client hears of it; 0: none. */
export const ackLevel: Kind<number> = {
  placeholder: 'LEVEL',
  form: 'master, replicated, replicated=N',
  read: given => {
    if (given === 'master') return { value: 0 }
    const found = /^replicated(?:=([1-9]\d{0,2}))?$/.exec(given)
    return found === null
      ? { expected: 'master, replicated, or replicated=N with N from 1 to 999' }
      : { value: Number(found[1] ?? 1) }
  },
}

/** A switch: `on` or `off`; the flag alone is `on`. */
export const onOff: Kind<boolean> = {
  placeholder: 'on|off',
  form: 'on, off',
  bare: 'on',
  read: given => (given === 'on' || given === 'off' ? { value: given === 'on' } : { expected: 'on or off' }),
}

/** What `kind` reads, or the word `none` for null. */
export function noneOr<T>(kind: Kind<T>): Kind<T | null> {
  return {
    ...kind,
    placeholder: `${kind.placeholder}|none`,
    read: given => {
      if (given === 'none') return { value: null }
      const read = kind.read(given)
      return 'value' in read ? read : { ...read, expected: `${read.expected}; or none` }
    },
  }
}

/** The name of a file, which need not be there yet. */
export const path: Kind<string> = {
  placeholder: 'FILE',
  form: 'name of a file',
  read: given => (isPlainText(given) ? { value: given } : { expected: 'the name of a file' }),
}

/** Access rights as chmod takes them: three or four octal digits. */
export const fileMode: Kind<number> = {
  placeholder: 'MODE',
  form: 'octal digits, as for chmod',
  read: given =>
    /^0?[0-7]{3}$/.test(given) ? { value: Number.parseInt(given, 8) } : { expected: 'three octal digits, such as 660' },
}

/** Numbers of a user and a group; null: the group stays as it is. */
export interface FileOwner {
  readonly uid: number
  readonly gid: number | null
}

/** `UID` or `UID:GID`. */
export const fileOwner: Kind<FileOwner> = {
  placeholder: 'UID[:GID]',
  form: 'numbers of a user and a group',
  read: given => {
    const match = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(given)
    return match
      ? { value: { uid: Number(match[1]), gid: match[2] === undefined ? null : Number(match[2]) } }
      : { expected: 'UID or UID:GID as numbers, such as 1000:1000' }
  },
}

interface Limits {
  readonly min: string
  readonly max: string
}

interface Amount {
  readonly placeholder: string
  readonly form: string
  readonly noun: string
  /** Those within the limits are shown. */
  readonly examples: readonly string[]
  /** NaN for what is no such amount. */
  parse(given: string): number
}

/** An amount within the limits, which are allowed themselves. */
function within({ min, max }: Limits, { placeholder, form, noun, examples, parse }: Amount): Kind<number> {
  const least = parse(min)
  const most = parse(max)
  const fitting = examples.filter(example => parse(example) >= least && parse(example) <= most)
  const hint = fitting.length === 0 ? '' : `, such as ${fitting.join(', ').replace(/, (?=[^,]*$)/, ' or ')}`
  return {
    placeholder,
    form,
    read: given => {
      const value = parse(given)
      return value >= least && value <= most ? { value } : { expected: `${noun} from ${min} to ${max}${hint}` }
    },
  }
}

/** A whole number. */
export function count(limits: Limits): Kind<number> {
  const parse = (given: string): number => (/^\d{1,15}$/.test(given) ? Number(given) : Number.NaN)
  return within(limits, { placeholder: 'N', form: 'count', noun: 'a whole number', examples: [], parse })
}

const durationUnits = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

/**
 * A time as `250ms`, `1.5s`, `2m`, `1h`, or a bare number of milliseconds; the value is whole milliseconds. `unitBelow`: a
 * bare number below it needs its unit, as `5` is nearly always meant as seconds there. 0 is 0 in any unit.
 */
export function duration({ unitBelow, ...limits }: Limits & { readonly unitBelow?: string }): Kind<number> {
  const examples = ['250ms', '5s', '2m']
  const form = 'time: ms, s, m, h; bare = ms'
  const amount = { placeholder: 'TIME', form, noun: 'a time', examples, parse: durationMs }
  if (unitBelow === undefined) return within(limits, amount)
  const least = durationMs(unitBelow)
  const kind = within(limits, { ...amount, form: `${form} (from ${least} on)` })
  const isDoubtful = (given: string): boolean =>
    /^[\d.]+$/.test(given) && Number(given) > 0 && durationMs(given) < least
  const withUnit = (given: string): string => {
    const meant = [`${given}s`, `${given}ms`].filter(text => 'value' in kind.read(text))
    return `a unit, as a number alone is milliseconds: ${meant.join(' or ')}`
  }
  return { ...kind, read: given => (isDoubtful(given) ? { expected: withUnit(given) } : kind.read(given)) }
}

function durationMs(given: string): number {
  const match = /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h)?$/.exec(given)
  const unit = (match?.[2] ?? 'ms') as keyof typeof durationUnits
  return match ? Math.round(Number(match[1]) * durationUnits[unit]) : Number.NaN
}

/** A time as `50us` or `2ms`, or a bare number of milliseconds; the value is milliseconds, not always whole. */
export function shortTime(limits: Limits): Kind<number> {
  const form = 'time: us, ms; bare = ms'
  const parse = (given: string): number => {
    const match = /^(\d{1,5}(?:\.\d{1,3})?)(us|ms)?$/.exec(given)
    return match ? Number(match[1]) * (match[2] === 'us' ? 0.001 : 1) : Number.NaN
  }
  return within(limits, { placeholder: 'TIME', form, noun: 'a time', examples: ['50us', '1ms'], parse })
}

// As in redis.conf, where kb, mb and gb are powers of 1024.
const sizeUnits = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 } as const

/** A size as `64kb`, `256mb`, `1gb`, or a bare number of bytes; the value is bytes. */
export function size(limits: Limits): Kind<number> {
  const form = 'size: kb, mb, gb; bare = bytes'
  const examples = ['64kb', '256mb', '1gb']
  return within(limits, { placeholder: 'SIZE', form, noun: 'a size', examples, parse: sizeBytes })
}

function sizeBytes(given: string): number {
  const match = /^(\d{1,15})(b|kb|mb|gb)?$/.exec(given.toLowerCase())
  const unit = (match?.[2] ?? 'b') as keyof typeof sizeUnits
  return match ? Number(match[1]) * sizeUnits[unit] : Number.NaN
}

/** Addresses with commas between them. A missing port is `defaultPort`; the same address twice counts once. */
export function addressList(defaultPort: number): Kind<readonly Address[]> {
  return {
    placeholder: 'HOST[:PORT][,HOST[:PORT]...]',
    form: `addresses; port ${defaultPort} where left out`,
    list: true,
    read: given => {
      const found = new Map<string, Address>()
      for (const part of splitList(given)) {
        const address = readAddress(part, defaultPort)
        if (!address)
          return {
            expected: 'HOST or HOST:PORT, with the port from 1 to 65535 and IPv6 in brackets, separated by commas',
            part,
          }
        found.set(`${address.host} ${address.port}`, address)
      }
      return found.size === 0
        ? { expected: 'at least one HOST:PORT' }
        : { value: Object.freeze([...found.values()].map(address => Object.freeze(address))) }
    },
  }
}

/** `HOST:PORT=HOST:PORT` pairs with commas between them; no address is mapped twice. */
export const addressMap: Kind<readonly NatRule[]> = {
  placeholder: 'HOST:PORT=HOST:PORT[,...]',
  form: 'pairs of addresses: announced=dialled',
  list: true,
  read: given => {
    const rules = new Map<string, NatRule>()
    for (const part of splitList(given)) {
      const sides = part.split('=')
      const [from, to] = sides.map(readWholeAddress)
      if (!from || !to || sides.length !== 2) {
        return { expected: 'HOST:PORT=HOST:PORT, with IPv6 in brackets, separated by commas', part }
      }
      const name = `${from.host} ${from.port}`
      if (rules.has(name)) return { expected: 'each announced address once', part }
      rules.set(name, Object.freeze({ from, to }))
    }
    return { value: Object.freeze([...rules.values()]) }
  },
}

function readWholeAddress(written: string): Address | undefined {
  const address = parseAddress(written)
  return address && isHost(address.host, written) ? Object.freeze(address) : undefined
}

function readAddress(part: string, defaultPort: number): Address | undefined {
  const address = parseAddress(part) ?? { host: /^\[(.+)\]$/.exec(part)?.[1] ?? part, port: defaultPort }
  return isHost(address.host, part) ? address : undefined
}

/** Where others reach something: `HOST:PORT`, the port included. */
export const announcedAddress: Kind<Address> = {
  placeholder: 'HOST:PORT',
  form: 'address',
  read: given => {
    const address = readWholeAddress(given)
    return address ? { value: address } : { expected: 'HOST:PORT, with the port from 1 to 65535 and IPv6 in brackets' }
  },
}

/** Where to listen: `HOST:PORT`, or a bare `PORT` on `defaultHost`. Port 0 lets the system choose. */
export function listenAddress(defaultHost: string): Kind<Address> {
  return {
    placeholder: '[HOST:]PORT',
    form: 'address; port 0 = any free one',
    read: given => {
      const address = parseAddress(given, { defaultHost, allowZero: true })
      return address && (address.host === defaultHost || isHost(address.host, given))
        ? { value: Object.freeze(address) }
        : { expected: 'PORT or HOST:PORT, with the port from 0 to 65535 and IPv6 in brackets' }
    },
  }
}

/** A name, an IPv4 address, or an IPv6 address in brackets; only digits and dots must be an IPv4 address. */
function isHost(host: string, written: string): boolean {
  if (written.includes('[')) return isIPv6(host)
  if (/^[\d.]+$/.test(host)) return isIPv4(host)
  return host.length <= 253 && /^[A-Za-z0-9_]([A-Za-z0-9_.-]*)$/.test(host)
}

/**
 * Command names in lower case; `config|set` names a subcommand. Entries with `+` or `-` amend `base`; a list without
 * signs replaces it, and an empty list has no command.
 */
export function commandList(base: string): Kind<readonly string[]> {
  return {
    placeholder: '[+|-]NAME[,...]',
    form: 'command names; + and - amend the default',
    list: true,
    read: given => readCommands(given, base),
  }
}

function readCommands(given: string, base: string): Read<readonly string[]> {
  const parts = splitList(given.toLowerCase())
  const signed = parts.filter(part => /^[+-]/.test(part))
  if (signed.length > 0 && signed.length < parts.length) {
    return { expected: 'either a whole list of commands, or only +NAME and -NAME, not both' }
  }
  const names = new Set(signed.length > 0 ? splitList(base) : [])
  for (const part of parts) {
    const name = part.replace(/^[+-]/, '')
    const entry = parseDenyEntry(name)
    if (!entry.ok) return { expected: `command names such as keys or config|set (${entry.why})`, part }
    if (part.startsWith('-') && !names.delete(name)) return { expected: `a command of the default (${base})`, part }
    if (!part.startsWith('-')) names.add(name)
  }
  return { value: Object.freeze([...names]) }
}

function splitList(given: string): string[] {
  return given.trim() === '' ? [] : given.split(',').map(part => part.trim())
}

function isPlainText(given: string): boolean {
  return given !== '' && [...given].every(char => char >= ' ' && char !== '\x7f')
}
