// clients-list.ts — known bugs of the CLIENT commands: who is listed, who is ended, and what the proxy answers itself.
import type { Mutation } from './mutation.ts'

const wire = 'test/wire/client-list.test.ts'

export const clientMutations: readonly Mutation[] = [
  {
    name: 'a link of ours is listed as a client',
    file: 'src/upstream/live-links.ts',
    from: 'has: (id, address) => ids.has(id) || addresses.has(address)',
    to: 'has: (id, address) => ids.has(address) || addresses.has(id)',
    breaks: 'CLIENT LIST has each session once',
    test: wire,
    shows: /the stranger, four sessions and no link/,
  },
  {
    name: 'CLIENT KILL of a filter that fits links is left to the server',
    file: 'src/client/client-kill.ts',
    from: 'if (!spared && filter.test(line) && !own.has(id, address)) ids.push(id)',
    to: 'if (!spared && filter.test(line) && id !== address) ids.push(id)',
    breaks: 'a link never ends by a client’s word',
    test: wire,
    shows: /two sessions and the stranger|no link was ended/,
  },
  {
    name: 'who kills itself has what it sent behind run',
    file: 'src/client/session.ts',
    from: 'this.#intake.clear() // what it has sent behind',
    to: 'this.#intake.clear // what it has sent behind',
    breaks: 'CLIENT KILL of itself is answered, and nothing behind it runs',
    test: wire,
    shows: /nothing behind it runs/,
  },
  {
    name: 'each proxy gives the same client ids',
    file: 'src/client/client-ids.ts',
    from: 'constructor(part: number = randomInt(PARTS))',
    to: 'constructor(part: number = randomInt(1))',
    breaks: 'ids of two proxies have nothing in common',
    test: 'test/unit/client/client-ids.test.ts',
    shows: /by chance/,
  },
]
