// masters-list.ts: known bugs of several masters in one process.
import type { Mutation } from './mutation.ts'

const shared = 'test/wire/watcher-shared.test.ts'
const config = 'test/unit/config-masters.test.ts'
const wire = 'test/wire/several-masters.test.ts'

export const mastersMutations: readonly Mutation[] = [
  {
    name: 'a rollout with a wrong password for Redis goes on',
    file: 'src/ops/admin-pages.ts',
    from: '(!one.served || one.loginRefused)',
    to: '!one.served',
    breaks: 'a wrong password stops a rollout at its first pod',
    test: 'test/wire/health-real.test.ts',
    shows: /while the node refuses our password/,
  },
  {
    name: 'the first master that leaves ends the connection of the others',
    file: 'src/sentinel/connection.ts',
    from: "if (this.#askers.size > 0 || this.#state.kind === 'stopped') return",
    to: "if (this.#state.kind === 'stopped') return",
    breaks: 'a connection ends with the last master that asks over it',
    test: shared,
    shows: /the other keeps the connections/,
  },
  {
    name: 'a master that comes to a connection that is up never asks',
    file: 'src/sentinel/connection.ts',
    from: 'if (this.#state === state && this.#askers.has(asker)) asker.onUp(state)',
    to: 'if (this.#state !== state && this.#askers.has(asker)) asker.onUp(state)',
    breaks: 'one that comes later uses the connections that are up',
    test: shared,
    shows: /are watched over one connection to each Sentinel/,
  },
  {
    name: 'all masters inherit one port',
    file: 'src/config/master-options.ts',
    from: "listen: 'own'",
    to: "listen: 'master'",
    breaks: 'each master has a port of its own',
    test: config,
    shows: /have what they say/,
  },
  {
    name: 'a master with a password of its own keeps the file of the one that it would inherit',
    file: 'src/config/masters.ts',
    from: 'secretFiles: new Map([...inherit(base.secretFiles), ...own.secretFiles])',
    to: 'secretFiles: base.secretFiles',
    breaks: 'a rotation changes the password of its own file alone',
    test: config,
    shows: /take a password from a file of their own/,
  },
  {
    name: 'what all inherit is complained about once for each master',
    file: 'src/config/masters.ts',
    from: 'errors: [...new Set(problems)]',
    to: 'errors: problems',
    breaks: 'one mistake is one line',
    test: config,
    shows: /is reported once/,
  },
  {
    name: '/startup waits for a master that is not required',
    file: 'src/ops/admin-pages.ts',
    from: 'one => one.required && (',
    to: 'one => (',
    breaks: 'a cache that is away stops no rollout',
    test: wire,
    shows: /waits for every required master/,
  },
]
