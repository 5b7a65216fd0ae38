// deploy-list.ts: known bugs of what is shipped: how the program is started, what probes and signals do to it.
import type { Mutation } from './mutation.ts'

export const deployMutations: readonly Mutation[] = [
  {
    name: 'the flags of Node are not in force when it is started without them',
    file: 'src/main.ts',
    from: '  restartWithFlags()\n',
    to: '',
    breaks: 'the longest waits are short beside large values',
    test: 'test/wire/node-flags.test.ts',
    shows: /process.node_flags|in force/,
  },
  {
    name: 'whoever holds many connections locks out the probes',
    file: 'src/ops/admin.ts',
    from: "this.#server.on('connection', keepNewest(Math.min(MAX_CONNECTIONS, most)))",
    to: 'this.#server.maxConnections = MAX_CONNECTIONS',
    breaks: 'probes are answered',
    test: 'test/wire/admin-guard.test.ts',
    shows: /while somebody holds more connections/,
  },
  {
    name: 'a web page of a stranger reads the admin port',
    file: 'src/ops/admin-guard.ts',
    from: "return host === undefined || !isLoopback(socket.localAddress ?? '') ||",
    to: "return host === undefined || isLoopback(socket.localAddress ?? '') ||",
    breaks: 'the admin port answers its own host alone',
    test: 'test/wire/admin-guard.test.ts',
    shows: /a name that is not of this host/,
  },
  {
    name: 'SIGHUP ends the process',
    file: 'src/cli/serve.ts',
    from: "skip: ['SIGHUP', 'SIGILL',",
    to: "skip: ['SIGILL',",
    breaks: 'the process ends when it is told to',
    test: 'test/wire/reload.test.ts',
    shows: /SIGHUP/,
  },
]
