// nat-map.ts: where an address is reached that the Sentinels announce from the other side of an address translation.
import { isIPv6, SocketAddress } from 'node:net'
import type { Address } from '../address.ts'

export interface NatEntry {
  readonly from: Address
  readonly to: Address
}

/** Answers the address to dial for one that was announced; itself where no rule names it. */
export type NatMap = (announced: Address) => Address

/** Names are compared without regard to case, IPv6 addresses however they are written. */
export function createNatMap(rules: readonly NatEntry[]): NatMap {
  if (rules.length === 0) return address => address
  const targets = new Map(rules.map(({ from, to }) => [keyOf(from), to]))
  return address => targets.get(keyOf(address)) ?? address
}

function keyOf({ host, port }: Address): string {
  const plain = isIPv6(host) ? new SocketAddress({ address: host, family: 'ipv6' }).address : host.toLowerCase()
  return `${plain} ${port}`
}
