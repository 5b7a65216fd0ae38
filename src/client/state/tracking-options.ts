// tracking-options.ts: the options of CLIENT TRACKING, read as the server reads them, and what of them a new link is told.
import { commandArgs } from '../../resp/decode.ts'
import { encodeCommand } from '../../resp/encode.ts'

/** The id behind REDIRECT as the client gave it, and its place among the arguments. */
interface Redirect {
  readonly place: number
  readonly id: string
}

interface TrackingOptions {
  /** More than one the server refuses. */
  readonly redirects: readonly Redirect[]
  /** The last of them. */
  readonly redirect: Redirect | undefined
  readonly prefixes: readonly Buffer[]
  readonly isBroadcast: boolean
}

/** `args`: of the whole command. A value may have the name of an option. */
export function trackingOptions(args: readonly Buffer[]): TrackingOptions {
  let isBroadcast = false
  const redirects: Redirect[] = []
  const prefixes: Buffer[] = []
  for (let i = 3; i < args.length; i++) {
    const option = args[i]?.toString('latin1').toLowerCase()
    const value = args[i + 1]
    if (option === 'bcast') isBroadcast = true
    if (value === undefined || (option !== 'redirect' && option !== 'prefix')) continue
    i++
    if (option === 'prefix') prefixes.push(value)
    else redirects.push({ place: i, id: value.toString('latin1') })
  }
  return { redirects, redirect: redirects.at(-1), prefixes, isBroadcast }
}

/**
 * The server adds prefixes to those that it has, and refuses one that overlaps with them. `before`: the CLIENT TRACKING
 * that was in force; what overlaps there a link has not taken.
 */
export function withPrefixesOf(before: Buffer | null, frame: Buffer): Buffer {
  const args = commandArgs(frame)
  const { prefixes } = trackingOptions(args)
  if (before === null || prefixes.length === 0) return Buffer.from(frame)
  const kept = trackingOptions(commandArgs(before)).prefixes.filter(old => !prefixes.some(one => overlap(old, one)))
  return encodeCommand([...args, ...kept.flatMap(prefix => ['PREFIX', prefix])])
}

function overlap(one: Buffer, other: Buffer): boolean {
  const length = Math.min(one.length, other.length)
  return one.subarray(0, length).equals(other.subarray(0, length))
}

export function withoutRedirect(frame: Buffer): Buffer {
  const args = commandArgs(frame)
  const { redirect } = trackingOptions(args)
  if (redirect !== undefined) args.splice(redirect.place - 1, 2)
  return encodeCommand(args)
}
