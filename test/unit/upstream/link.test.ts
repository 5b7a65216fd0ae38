// A link over a socket that is played: which exchange each byte of the server is given to, whatever the chunks.
import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { createCounters } from '../../../src/ops/counters.ts'
import { countRead, SHARED_LINK_SHARE_BYTES } from '../../../src/transport/read-turn.ts'
import { Sockets } from '../../../src/transport/sockets.ts'
import { Handshake } from '../../../src/upstream/handshake.ts'
import { createIdentity } from '../../../src/upstream/identity.ts'
import { Link, type LinkListener } from '../../../src/upstream/link.ts'
import { LiveLinks } from '../../../src/upstream/live-links.ts'
import { Pausing } from '../../../src/upstream/pauses.ts'
import type { Exchange } from '../../../src/upstream/reply-reader.ts'
import { Turn } from '../../../src/upstream/turn.ts'
import { dialMemory, type MemorySocket } from '../relay/memory-net.ts'

interface Named extends Exchange {
  readonly name: string
}

/** One link that is up, with what it has told its owner. */
class Scene {
  readonly told: string[] = []
  readonly wrote: string[] = []
  /** Called when all that a read brought is delivered. */
  onReadEnd: (link: Link<Named>) => void = () => {}
  /** Called before a frame is noted. */
  onFrame: (link: Link<Named>) => void = () => {}
  /** Called when it is told that the link takes requests again. */
  onWritable: () => void = () => {}
  /** Of what is read. What is told is given back, as by a session that has written it. */
  readonly sockets = new Sockets()
  readonly link: Link<Named>
  readonly #socket: MemorySocket

  constructor(turn = new Turn(() => {})) {
    const sockets: MemorySocket[] = []
    const handshake = new Handshake(createIdentity(null, null, 0, 2))
    const master = { host: 'a', port: 1, epoch: 1, runId: null }
    const parts = new Map<string, string>()
    const listener: LinkListener<Named> = {
      onReady() {},
      replies: {
        onReplies: ({ name, expect }, bytes) => {
          parts.set(name, (parts.get(name) ?? '') + bytes.toString())
          this.sockets.memory.giveBack(bytes)
          if (expect === 0) this.told.push(`${name} ${JSON.stringify(parts.get(name))}`)
        },
        onFrame: (link, { name }, frame) => {
          this.told.push(`${name} ${JSON.stringify(frame.toString())}`)
          this.onFrame(link)
        },
        onPush: (_link, frame) => void this.told.push(`push ${JSON.stringify(frame.toString())}`),
        onReadEnd: link => {
          this.onReadEnd(link)
          return true
        },
      },
      onWritable: () => {
        this.told.push('writable')
        this.onWritable()
      },
      onWriteFailed() {},
      onHandshakeFailed() {},
      onBug: (_link, exchange, error) => this.told.push(`bug ${exchange?.name}: ${error}`),
      onClosed: (_link, { reason, owed }) => {
        this.told.push(`closed ${reason}, owes ${owed.map(({ name }) => name).join(' ')}`)
      },
    }
    this.link = new Link<Named>(master, handshake, listener, {
      turn,
      connectTimeoutMs: 1000,
      counters: createCounters(),
      sockets: this.sockets,
      live: new LiveLinks(),
      dial: dialMemory({
        onDial: socket => void sockets.push(socket),
        onWrite: (_socket, bytes) => void this.wrote.push(bytes.toString()),
        onDestroy() {},
      }),
    })
    const [socket] = sockets
    if (socket === undefined) throw new Error('nobody was dialled')
    this.#socket = socket
    socket.emit('connect')
    this.say('*4\r\n$2\r\nid\r\n:7\r\n$4\r\nrole\r\n$6\r\nmaster\r\n+PONG\r\n')
  }

  send(...names: string[]): this {
    for (const name of names) this.#sendOne(name, false)
    return this
  }

  /** Whose replies are looked into. */
  ask(...names: string[]): this {
    for (const name of names) this.#sendOne(name, true)
    return this
  }

  #sendOne(name: string, inspect: boolean): void {
    this.link.send({ name, bytes: Buffer.from(name), expect: 1, inspect, rest: null })
  }

  /** The server says this, and it is read in one piece, into memory that is used again. */
  sayInMemory(text: string): this {
    this.#socket.emit('data', this.sockets.memory.copy(Buffer.from(text), text.length))
    return this
  }

  say(text: string): this {
    this.#socket.emit('data', Buffer.from(text))
    return this
  }
}

const wire = '$5\r\nhello\r\n:12\r\n*2\r\n+a\r\n$-1\r\n'
const expected = ['a "$5\\r\\nhello\\r\\n"', 'b ":12\\r\\n"', 'c "*2\\r\\n+a\\r\\n$-1\\r\\n"']

t.test('link — gives each reply to its request — wherever the chunks are cut', async t => {
  for (let first = 0; first <= wire.length; first++)
    for (let second = first; second <= wire.length; second++) {
      const scene = new Scene().send('a', 'b', 'c')
      for (const part of [wire.slice(0, first), wire.slice(first, second), wire.slice(second)]) scene.say(part)
      t.strictSame(scene.told, expected, `cut at ${first} and ${second}`)
    }
})

t.test('link — takes a push for no reply — before, between and after replies', async t => {
  const push = '>2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n'
  for (let cut = 0; cut <= push.length; cut++) {
    const scene = new Scene().send('a', 'b')
    scene
      .say(`${push.slice(0, cut)}`)
      .say(`${push.slice(cut)}+1\r\n${push}+2\r\n`)
      .say(push)
    const pushed = `push ${JSON.stringify(push)}`
    t.strictSame(scene.told, [pushed, 'a "+1\\r\\n"', pushed, 'b "+2\\r\\n"', pushed], `cut at ${cut}`)
  }
})

t.test('link — gives nobody the replies behind a cut — they are the node’s that is left', async t => {
  const scene = new Scene().send('a', 'b', 'c')
  scene.onFrame = link => link.cut('no master')
  scene.say('-READONLY no\r\n+2\r\n+3\r\n')
  t.strictSame(scene.told, ['a "-READONLY no\\r\\n"', 'closed cut, owes a b c'])
})

t.test('a command alone — is written at once — but not before what another link was given earlier', async t => {
  const turn = new Turn(() => {})
  const [quick, other] = [new Scene(turn), new Scene(turn)]
  quick.send('first')
  turn.flushSessions()
  await nextTurn()
  quick.say('+OK\r\n').send('alone')
  t.strictSame(quick.wrote.slice(1), ['first', 'alone'])
  quick.say('+OK\r\n')
  other.send('SUBSCRIBE')
  quick.send('PUBLISH')
  t.strictSame([other.wrote.at(-1), quick.wrote.at(-1)], [other.wrote[0], 'alone'])
  await nextTurn()
  t.strictSame([other.wrote.at(-1), quick.wrote.at(-1)], ['SUBSCRIBE', 'PUBLISH'])
})

t.test('a link that was read late — tells that it takes requests again — its client slow or not', async t => {
  const turn = new Turn(() => {})
  const scene = new Scene(turn).send('a', 'b')
  turn.tick(performance.now() - 1000)
  scene.say('+1\r\n')
  t.ok(scene.link.full, 'what comes in this turn waits')
  scene.onReadEnd = link => link.pause()
  await nextTurn()
  t.strictSame(scene.told, ['a "+1\\r\\n"', 'writable'])
  t.notOk(scene.link.full)
})

t.test('a link that had its share of a turn — is lost when its owner throws — and the others go on', async t => {
  const [stumbles, other] = [new Scene().ask('a'), new Scene()]
  // The node alone can tell what its reply means: so there is something to say when the link goes on.
  let asks = true
  stumbles.onFrame = link => {
    if (asks && link.head !== undefined) link.stall(link.head, Buffer.from('+1\r\n'))
    asks = false
  }
  stumbles.say('+1\r\n')
  stumbles.onWritable = () => {
    throw new Error('a bug')
  }
  for (const { link } of [stumbles, other]) countRead(link, SHARED_LINK_SHARE_BYTES)
  stumbles.link.resume(Pausing.stalled)
  t.ok(stumbles.link.pauses.any && other.link.pauses.any, 'both wait for the next turn')
  await nextTurn()
  t.match(stumbles.told.at(-1), /closed bug/)
  t.notOk(other.link.pauses.any, 'the other one is read from')
  countRead(other.link, SHARED_LINK_SHARE_BYTES)
  await nextTurn()
  t.notOk(other.link.pauses.any, 'and has its next turn')
})

t.test('memory of replies — is used again when they are passed on — wherever the chunks are cut', async t => {
  const [a, b] = ['a', 'b'].map(letter => `$20000\r\n${letter.repeat(20_000)}\r\n`) as [string, string]
  const both = a + b
  for (const [title, first, second] of [
    ['a small end before the beginning of the next', a.length - 500, both.length - 5_000],
    ['a small beginning behind the end of the last', 5_000, a.length + 500],
    ['both replies in one read, and a small end', both.length - 500, both.length - 100],
    ['in the middle of both', 10_000, 36_000],
  ] as const) {
    for (const way of ['send', 'ask'] as const) {
      const scene = new Scene()[way]('a', 'b')
      const chunks = [both.slice(0, first), both.slice(first, second), both.slice(second)]
      for (const chunk of chunks) scene.sayInMemory(chunk)
      t.strictSame(scene.told, [`a ${JSON.stringify(a)}`, `b ${JSON.stringify(b)}`], title)
      const slabs = chunks
        .filter(({ length }) => length >= 2_048)
        .map(({ length }) => Math.ceil(length / 4_096) * 4_096)
      const bytes = slabs.reduce((sum, size) => sum + size, 0)
      t.ok(scene.sockets.memory.freeBytes >= bytes, `${title}, ${way}: all of it is back`)
    }
  }
})
