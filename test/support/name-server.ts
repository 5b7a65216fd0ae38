// name-server.ts: what names resolve to in this process, for a Holdfast in it: a name server that is late, wrong or mended.
//
// Owns: the look-up of names that end in .test (no name server has those, RFC 6761), until the test's teardown. Other
// names are the system's.
import dns from 'node:dns/promises'
import { syncBuiltinESMExports } from 'node:module'
import type { Teardown } from './fake-redis.ts'

export class NameServer {
  /** By name: the IPv4 address that each look-up gets; a function is asked each time. */
  readonly records = new Map<string, string | (() => string)>()
  /** Look-ups by name. */
  readonly asked = new Map<string, number>()

  constructor(t: Teardown) {
    const system = dns.lookup
    const lookup = (name: string, ...rest: unknown[]): unknown =>
      name.endsWith('.test') ? this.#answer(name) : Reflect.apply(system, dns, [name, ...rest])
    const use = (one: unknown): void => {
      Object.assign(dns, { lookup: one })
      syncBuiltinESMExports()
    }
    use(lookup)
    t.teardown(() => use(system))
  }

  async #answer(name: string): Promise<{ address: string; family: number }[]> {
    this.asked.set(name, (this.asked.get(name) ?? 0) + 1)
    const record = this.records.get(name)
    if (record === undefined) throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND' })
    return [{ address: typeof record === 'string' ? record : record(), family: 4 }]
  }
}
