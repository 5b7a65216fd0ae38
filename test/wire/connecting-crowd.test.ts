// More clients than one pass of the loop takes connect at once. Until they are accepted they wait in the kernel, in a
// queue that the program asks for. Where that is full, TCP tries again seconds later and may give up with a reset, and a
// connection to a Unix-domain socket fails at once.
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import t, { type Test } from 'tap'
import { startHoldfastProcess } from '../support/holdfast.ts'
import { without } from '../support/needs.ts'
import { makeFolder, removeFolder } from '../support/servers.ts'
import { TlsScene } from '../support/tls-scene.ts'
import { waitUntil } from '../support/wait-until.ts'

/** Node asks for a queue of 511 where nothing is said. */
const CROWD = 1200

/** The longest queue that this system allows; 0: it does not say (macOS). */
function longestQueue(): number {
  try {
    return Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8'))
  } catch {
    return 0
  }
}

const skip = longestQueue() < CROWD && 'net.core.somaxconn is not known here, or too small'

interface Crowd {
  readonly size: number
  readonly connected: () => number
  readonly answered: () => number
  readonly failed: readonly string[]
  readonly leave: () => void
}

/** Each asks as soon as it is connected; by TLS that leaves when the handshake is done. */
function startCrowd(t: Test, open: () => Socket, size = CROWD): Crowd {
  const failed: string[] = []
  let connected = 0
  let answered = 0
  const sockets = Array.from({ length: size }, (): Socket => {
    const socket = open()
    let isAnswered = false
    let cause = 'closed without an answer'
    socket.once('connect', () => {
      connected++
      socket.write('PING\r\n')
    })
    socket.once('data', () => {
      answered++
      isAnswered = true
    })
    socket.once('close', () => isAnswered || failed.push(cause))
    return socket.on('error', error => {
      cause = error.message
    })
  })
  const leave = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  t.teardown(leave)
  return { size, connected: () => connected, answered: () => answered, failed, leave }
}

/**
 * A program that stands still. No master is needed: a signed-out client's PING gets its answer from Holdfast itself.
 */
async function startStopped(t: Test, options: Record<string, string>) {
  const holdfast = await startHoldfastProcess(t, {
    sentinels: ['127.0.0.1:1'],
    options: { 'client-password': 'secret', ...options },
    expectedErrors: ['sentinels.trouble'],
  })
  holdfast.signal('SIGSTOP')
  t.teardown(() => holdfast.signal('SIGCONT'))
  return holdfast
}

/** The same with a Unix-domain socket and a port for replicas, too. */
async function startWithDoor(t: Test) {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const path = join(dir, 'door')
  const holdfast = await startStopped(t, { 'listen-socket': path, 'replica-listen': '127.0.0.1:0' })
  const replicaPort = Number(String(holdfast.find('process.listening')?.['replicas']).split(':')[1])
  return { holdfast, path, replicaPort }
}

t.test(
  'a crowd that connects while the process stands still — waits in the queue — and is served',
  { skip },
  async t => {
    const { holdfast, path } = await startWithDoor(t)
    const tcp = startCrowd(t, () => connect(holdfast.port, '127.0.0.1'))
    const unix = startCrowd(t, () => connect(path))
    const all = (): boolean => unix.connected() + unix.failed.length === CROWD
    await waitUntil('the socket has taken or refused each', all, { withinMs: 10_000 })
    t.same(unix.failed.slice(0, 1), [], 'nobody is refused at the socket')
    await waitUntil('all are in the queue of the port', () => tcp.connected() === CROWD, { withinMs: 10_000 })
    holdfast.signal('SIGCONT')
    for (const crowd of [tcp, unix]) {
      await waitUntil('all have an answer', () => crowd.answered() === CROWD, { withinMs: 20_000 })
      t.same(crowd.failed, [], 'nobody has an error')
    }
  },
)

t.test('clients that are connected and not accepted yet — when a stop is asked for — are served', { skip }, async t => {
  const { holdfast, path, replicaPort } = await startWithDoor(t)
  const size = 300
  const crowds = [
    startCrowd(t, () => connect(holdfast.port, '127.0.0.1'), size),
    startCrowd(t, () => connect(path), size),
    // More than at the other port: that one's queue is empty before.
    startCrowd(t, () => connect(replicaPort, '127.0.0.1'), 2 * size),
  ]
  for (const crowd of crowds)
    await waitUntil('all are connected', () => crowd.connected() === crowd.size, { withinMs: 10_000 })
  holdfast.signal('SIGTERM')
  holdfast.signal('SIGCONT')
  for (const crowd of crowds) {
    const isOver = (): boolean => crowd.answered() + crowd.failed.length === crowd.size
    await waitUntil('each has an answer or an error', isOver, { withinMs: 30_000 })
    t.same(crowd.failed.slice(0, 1), [], 'nobody has an error')
    crowd.leave()
  }
  t.equal(await holdfast.ended, 0)
})

t.test(
  'clients in their TLS handshake — when a stop is asked for — are served',
  { skip: without('openssl') },
  async t => {
    const tls = await TlsScene.make(t)
    const holdfast = await startStopped(t, tls.holdfast('listen'))
    const at = { port: holdfast.port, host: '127.0.0.1', ...tls.clientOptions() }
    const size = 5
    const crowd = startCrowd(t, () => connectTls(at), size)
    await waitUntil('all are connected', () => crowd.connected() === size, { withinMs: 10_000 })
    holdfast.signal('SIGTERM')
    holdfast.signal('SIGCONT')
    const isOver = (): boolean => crowd.answered() + crowd.failed.length === size
    await waitUntil('each has an answer or an error', isOver, { withinMs: 30_000 })
    t.same(crowd.failed.slice(0, 1), [], 'nobody has an error')
    crowd.leave()
    t.equal(await holdfast.ended, 0)
  },
)
