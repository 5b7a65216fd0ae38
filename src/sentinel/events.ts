// events.ts: reads what a Sentinel publishes: channel and text in, one typed event about our master name out. Pure.
// An event makes Holdfast look sooner or stop sending sooner. +promoted-slave and +switch-master are a Sentinel's vote as
// well, as its answer would be. Must stay true: no event alone names the master that is served, because the word of one
// Sentinel is not enough for that.
//
// The text is sentinelEvent()'s "%@" (sentinel.c): `master NAME IP PORT`, or for another instance
// `TYPE NAME IP PORT @ MASTER-NAME MASTER-IP MASTER-PORT`; more words may follow each.
import type { Address } from '../address.ts'
import { readAddress } from './sentinel-view.ts'

export type SentinelEvent =
  /** A failover of `master` began; it is open whether this Sentinel will lead it. */
  | { readonly kind: 'failover-try'; readonly master: Address }
  /** This Sentinel leads the failover of `master`; `replica` once it is chosen. Promotion is one timer tick away. */
  | { readonly kind: 'failover-elected'; readonly master: Address; readonly replica: Address | null }
  /** The replica says it is master; this Sentinel can no longer abort. `master` is the replaced one. */
  | { readonly kind: 'failover-promoted'; readonly master: Address; readonly replica: Address | null }
  | { readonly kind: 'failover-aborted'; readonly master: Address; readonly why: string }
  | { readonly kind: 'switched'; readonly from: Address; readonly to: Address }
  /** A quorum of the Sentinels holds the master for dead, or no more (`over`). */
  | { readonly kind: 'doubted'; readonly master: Address; readonly over: boolean }
  | { readonly kind: 'tilt'; readonly on: boolean }
  /** The Sentinel has begun an epoch, of any master. What it tries right after this would be configured under it. */
  | { readonly kind: 'epoch'; readonly epoch: number }
  /** A person made this Sentinel monitor the name anew: from here on its words are a new history. */
  | { readonly kind: 'monitored'; readonly master: Address }
  /** Something about our master changed: worth a question, but it decides nothing. */
  | { readonly kind: 'stir'; readonly what: string }
  /** Another Sentinel came, went or moved: worth asking this one for its list. */
  | { readonly kind: 'peers'; readonly what: string }

interface Subject {
  readonly type: string
  readonly self: Address
  readonly master: Address
}

/** This Sentinel leads a failover, in the order in which it says so. */
export const elected: ReadonlySet<string> = new Set([
  '+elected-leader',
  '+failover-state-select-slave',
  '+selected-slave',
  '+failover-state-send-slaveof-noone',
  '+failover-state-wait-promotion',
])
export const promoted: ReadonlySet<string> = new Set(['+promoted-slave', '+failover-state-reconf-slaves'])
/** What +switch-master follows (+config-update-from, +failover-end) is not among them. */
const stirring = new Set(['+reset-master', '-monitor', '+set', '+reboot'])
const ofPeers = new Set(['+sentinel', '-dup-sentinel', '+sentinel-invalid-addr', '+sentinel-address-update'])

/** What `channel` and `text` announce about `masterName`; undefined for other masters and other kinds of events. */
export function parseEvent(channel: string, text: string, masterName: string): SentinelEvent | undefined {
  if (channel === '+tilt' || channel === '-tilt') return { kind: 'tilt', on: channel === '+tilt' }
  if (channel === '+new-epoch') return /^\d{1,15}$/.test(text) ? { kind: 'epoch', epoch: Number(text) } : undefined
  if (channel === '+switch-master') return parseSwitch(text, masterName)
  const subject = parseSubject(text, masterName)
  return subject && eventAbout(channel, subject)
}

function eventAbout(channel: string, { type, self, master }: Subject): SentinelEvent | undefined {
  const replica = type === 'slave' ? self : null
  if (channel === '+try-failover') return { kind: 'failover-try', master }
  if (elected.has(channel)) return { kind: 'failover-elected', master, replica }
  if (promoted.has(channel)) return { kind: 'failover-promoted', master, replica }
  if (channel.startsWith('-failover-abort-')) {
    return { kind: 'failover-aborted', master, why: channel.slice('-failover-abort-'.length) }
  }
  if (channel === '+monitor') return { kind: 'monitored', master }
  if (channel === '+sentinel-address-switch' || (type === 'sentinel' && ofPeers.has(channel))) {
    return { kind: 'peers', what: channel }
  }
  if (type !== 'master') return undefined
  if (channel === '+odown' || channel === '-odown') return { kind: 'doubted', master, over: channel === '-odown' }
  return stirring.has(channel) ? { kind: 'stir', what: channel } : undefined
}

function parseSubject(text: string, masterName: string): Subject | undefined {
  const [type, name, host, port, at, ofName, ofHost, ofPort] = text.split(' ')
  const self = readAddress([host, port])
  if (type === undefined || !self) return undefined
  if (type === 'master') return name === masterName ? { type, self, master: self } : undefined
  const master = at === '@' && ofName === masterName ? readAddress([ofHost, ofPort]) : undefined
  return master && { type, self, master }
}

function parseSwitch(text: string, masterName: string): SentinelEvent | undefined {
  const [name, fromHost, fromPort, toHost, toPort] = text.split(' ')
  const from = readAddress([fromHost, fromPort])
  const to = readAddress([toHost, toPort])
  return name === masterName && from && to ? { kind: 'switched', from, to } : undefined
}
