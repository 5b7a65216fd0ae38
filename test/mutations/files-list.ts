// files-list.ts: known bugs of a process that may open few files.
import type { Mutation } from './mutation.ts'

const crowd = 'test/wire/open-files.test.ts'
const ports = 'test/wire/open-files-ports.test.ts'
const link = 'test/unit/relay/lane-link.test.ts'

export const filesMutations: readonly Mutation[] = [
  {
    name: 'every client is let in, whatever files are left',
    file: 'src/client/accept/port.ts',
    from: 'if (files.admits(socket)) accept(socket)',
    to: 'if (files.admits(socket) || true) accept(socket)',
    breaks: 'a client that is not served is told so',
    test: crowd,
    shows: /as many are served as were announced/,
  },
  {
    name: 'more clients are let in than can have the link that each needs',
    file: 'src/transport/open-files.ts',
    from: 'private: 1 / 2 }',
    to: 'private: 3 / 4 }',
    breaks: 'who is let in is served, with --links private too',
    test: crowd,
    shows: /each has its link/,
  },
  {
    name: 'clients that are turned away keep their files for a second',
    file: 'src/transport/open-files.ts',
    from: 'if (this.#leaving.size <= this.shares.leaving || oldest === undefined) return',
    to: 'if (this.#leaving.size >= 0 || oldest === undefined) return',
    breaks: 'a client that is not served is told so',
    test: 'test/unit/transport/open-files.test.ts',
    shows: /the newest may take their time/,
  },
  {
    name: 'clients in their TLS handshake may have every file',
    file: 'src/client/accept/port.ts',
    from: 'if (this.#tls !== null) this.#boundHandshakes(this.#tls)',
    to: '',
    breaks: 'a client that is not served is counted',
    test: crowd,
    shows: /those beyond are counted/,
  },
  {
    name: 'clients in their TLS handshake are bounded for each port alone',
    file: 'src/client/accept/port.ts',
    from: 'if (!this.#files.isCrowded) return',
    to: "if (socket.remoteAddress !== '') return",
    breaks: 'what Holdfast keeps for itself stays free',
    test: ports,
    shows: /leave what Holdfast needs/,
  },
  {
    name: 'the limit on sessions does not know the clients of other masters',
    file: 'src/transport/open-files.ts',
    from: 'this.shares.clients - (this.#clients - own)',
    to: 'this.shares.clients + 0 * own',
    breaks: 'holdfast_sessions_limit is the limit in force',
    test: 'test/unit/transport/open-files.test.ts',
    shows: /what clients of other ports leave/,
  },
  {
    name: 'links of sessions take the files that a failover needs',
    file: 'src/relay/lane-link.ts',
    from: 'if (files.hasRoom) return true',
    to: 'if (files.hasRoom || true) return true',
    breaks: 'a shared link, a Sentinel and a probe find a file',
    test: link,
    shows: /waits while others have all files/,
  },
  {
    name: 'whoever waits for a file never looks again',
    file: 'src/relay/lane-link.ts',
    from: '    this.pause(FOR_A_FILE)\n',
    to: '',
    breaks: 'when files come free, everything goes on',
    test: link,
    shows: /it looks again/,
  },
  {
    name: 'nobody is told that a link found no file',
    file: 'src/upstream/dial.ts',
    from: 'files.onError(error)',
    to: 'void error',
    breaks: 'the log names the cause and the remedy',
    test: crowd,
    shows: /no file descriptor/,
  },
  {
    name: 'SIGHUP opens the pipe of --config again, and waits for a writer',
    file: 'src/config.ts',
    from: '    if (files.some(isReadOnce)) return { options: [], mistakes: [] }\n',
    to: '',
    breaks: 'nothing that is asked of a running proxy stops it',
    test: 'test/wire/early-signals.test.ts',
    shows: /SIGHUP/,
  },
]
