// The self-test of the sockets: where one part of Node is not as expected, it says so, and ends neither the program nor
// the way of the streams.
import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createConnection, createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { tryInternals } from '../../../src/transport/socket-self-test.ts'

const skip = process.platform === 'linux' ? false : 'it is tried on Linux only'

type Method = (this: unknown, ...given: never[]) => unknown
type Handle = Record<string, Method>

/** What the handles of all Unix-domain sockets have in common. */
async function handlesOf(t: Test): Promise<Handle> {
  const path = `\0holdfast-test-${process.pid}-${randomUUID()}`
  const server = createServer().listen(path)
  await once(server, 'listening')
  const socket = createConnection(path)
  const [accepted]: Socket[] = await once(server, 'connection')
  t.teardown(async () => {
    socket.destroy()
    accepted?.destroy()
    server.close()
    await once(server, 'close')
  })
  return Object.getPrototypeOf((socket as unknown as { _handle: Handle })._handle)
}

/** Whether src/transport asks, not Node's own streams: they go on as they are. */
function isOurs(): boolean {
  const [, , , caller = ''] = new Error('who asks').stack?.split('\n') ?? []
  return /src\/transport\/socket-(?:internals|writer)\./.test(caller)
}

const all = (): boolean => true

interface Change {
  readonly what: string
  readonly method: string
  readonly make: (real: Method) => Method | undefined
  readonly forWhom: () => boolean
}

const changes: readonly Change[] = [
  { what: 'has no way to write', method: 'writeBuffer', make: () => undefined, forWhom: isOurs },
  { what: 'fails to write', method: 'writeBuffer', make: () => () => -9, forWhom: isOurs },
  { what: 'throws when it writes', method: 'writeBuffer', make: thrower, forWhom: isOurs },
  { what: 'drops what it writes', method: 'writeBuffer', make: () => () => 0, forWhom: isOurs },
  { what: 'has no way to write several pieces', method: 'writev', make: () => undefined, forWhom: isOurs },
  { what: 'turns pieces round', method: 'writev', make: turner, forWhom: isOurs },
  { what: 'has no way to read into memory', method: 'useUserBuffer', make: () => undefined, forWhom: isOurs },
  { what: 'reads into memory of its own', method: 'useUserBuffer', make: () => () => undefined, forWhom: isOurs },
  // EACCES, of a system that allows nobody to connect.
  { what: 'may not connect', method: 'connect', make: () => () => -13, forWhom: all },
  { what: 'may not listen', method: 'listen', make: () => () => -13, forWhom: all },
]

function thrower(): Method {
  return () => {
    throw new Error('thrown')
  }
}

function turner(real: Method): Method {
  return function (this: unknown, request: never, pieces: readonly Buffer[], areBuffers: never) {
    return real.call(this, request, [...pieces].reverse() as never, areBuffers)
  }
}

for (const { what, method, make, forWhom } of changes) {
  t.test(`the self-test — takes the streams — where a socket ${what}`, { skip }, async t => {
    const handles = await handlesOf(t)
    const real = handles[method]
    if (real === undefined) throw new Error(`no ${method}`)
    const odd = make(real)
    Object.defineProperty(handles, method, { configurable: true, get: () => (forWhom() ? odd : real) })
    const found = await tryInternals()
    Reflect.deleteProperty(handles, method)
    if (handles[method] !== real) Object.defineProperty(handles, method, { configurable: true, value: real })
    t.type(found, 'string')
    t.comment(`${found}`)
    t.type(await tryInternals(), 'object', 'and not where it is as it was')
  })
}

t.test('the self-test — finds what it looks for — in a process that stands still meanwhile', { skip }, async t => {
  const trying = tryInternals()
  // Longer than the test may take.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2500)
  t.type(await trying, 'object')
})

interface StreamBinding {
  readonly WriteWrap: unknown
  readonly streamBaseState: Int32Array
  readonly kLastWriteWasAsync: number
}

const states: readonly [string, (real: StreamBinding) => unknown][] = [
  ['is not there', () => undefined],
  ['calls each write done', real => ({ ...partsOf(real), streamBaseState: new Int32Array(16) })],
  ['calls no write done', real => ({ ...partsOf(real), streamBaseState: new Int32Array(16).fill(1) })],
]

/** Not the getters that spreading would lose. */
function partsOf({ WriteWrap, streamBaseState, kLastWriteWasAsync }: StreamBinding): StreamBinding {
  return { WriteWrap, streamBaseState, kLastWriteWasAsync }
}

for (const [what, make] of states) {
  t.test(`the self-test — takes the streams — where what is behind net.js ${what}`, { skip }, async t => {
    const node = process as unknown as { binding: (name: string) => StreamBinding }
    const { binding } = node
    const odd = make(binding('stream_wrap'))
    node.binding = () => odd as StreamBinding
    const found = await tryInternals()
    node.binding = binding
    t.type(found, 'string')
    t.comment(`${found}`)
    t.type(await tryInternals(), 'object', 'and not where it is as it was')
  })
}

t.test('the self-test — ends no process, and says nothing — that ends for what is deprecated', { skip }, async t => {
  const file = new URL('../../../src/transport/socket-self-test.ts', import.meta.url).href
  const program = `const { tryInternals } = await import('${file}'); process.stdout.write(typeof (await tryInternals()))`
  const words = [
    '--disable-warning=ExperimentalWarning',
    '--pending-deprecation',
    '--input-type=module',
    '--eval',
    program,
  ]
  for (const more of [[], ['--throw-deprecation']]) {
    const { PATH } = process.env
    // Without what the test runner gives to Node, which asks for deprecated things itself.
    const { stdout, stderr, status } = spawnSync('env', ['-u', 'NODE_OPTIONS', process.execPath, ...more, ...words], {
      env: { PATH },
      encoding: 'utf8',
    })
    t.strictSame({ stdout, stderr, status }, { stdout: 'object', stderr: '', status: 0 })
  }
})
