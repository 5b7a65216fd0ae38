// nat-map.ts: translates addresses that the Sentinels announce from the other side of an address translation.
import { isIPv6, SocketAddress } from 'node:net'
import type { Address } from '../address.ts'

/** Sentinels announce `from`; we dial `to`. */
export interface NatRule {
  readonly from: Address
  readonly to: Address
}

/** The address to dial for an announced one: the same, unless a rule names it. */
export type NatMap = (announced: Address) => Address

/** Compares names without regard to case, and IPv6 addresses in whatever way they are written. */
export function createNatMap(rules: readonly NatRule[]): NatMap {
  if (rules.length === 0) return address => address
  const targets = new Map(rules.map(({ from, to }) => [keyOf(from), to]))
  return address => targets.get(keyOf(address)) ?? address
}

function keyOf({ host, port }: Address): string {
  const plain = isIPv6(host) ? new SocketAddress({ address: host, family: 'ipv6' }).address : host.toLowerCase()
  return `${plain} ${port}`
}
