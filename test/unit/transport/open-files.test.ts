// How the files that a process may open are shared out, and who may have one.
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import type { Log } from '../../../src/ops/log.ts'
import { OpenFiles, type Shares, sharesOf } from '../../../src/transport/open-files.ts'

class Pipe extends EventEmitter {
  isDestroyed = false
  destroy(): this {
    this.isDestroyed = true
    this.emit('close')
    return this
  }
}
const pipe = (): Pipe & Socket => new Pipe() as unknown as Pipe & Socket

const shares: Shares = { clients: 2, sparing: 4, sockets: 5, leaving: 2, admin: 2, viewers: 1 }

t.test('shares — of common limits', t => {
  const at = (limit: number, masters = 1): number => sharesOf({ limit, inUse: 25, masters }).clients
  t.equal(at(64), 15)
  t.equal(at(256), 149)
  t.equal(at(1024), 701)
  t.equal(at(1024, 3), 689, 'each further master takes a few')
  t.equal(at(4096), 2861)
  t.equal(at(65_536), 48_845)
  t.equal(at(20), 1, 'one client, however small it is')
  const { clients, sparing } = sharesOf({ limit: 1024, inUse: 25, masters: 1, isPrivate: true })
  t.equal(clients, 467, 'fewer, where each has a link of its own')
  t.ok(2 * clients <= sparing)
  t.end()
})

t.test('shares — leave something to Holdfast itself — whatever the limit', t => {
  const property = fc.property(
    fc.integer({ min: 64, max: 1_000_000 }),
    fc.integer({ min: 20, max: 40 }),
    fc.integer({ min: 1, max: 8 }),
    (limit, inUse, masters) => {
      const { clients, sockets, leaving, admin } = sharesOf({ limit, inUse, masters })
      const left = limit - inUse - sockets - leaving - admin
      const links = sockets - clients
      return links >= Math.floor(clients / 3) && left >= Math.floor(Math.min(10, (limit - inUse) / 8))
    },
  )
  fc.assert(property)
  t.end()
})

t.test('shares — where the limit is not known or there is none — are unlimited', t => {
  for (const limit of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const files = new OpenFiles(sharesOf({ limit, inUse: 25, masters: 1 }))
    t.ok(Array.from({ length: 1000 }, pipe).every(one => files.admits(one) && files.hasRoom))
    t.equal(files.limitFor(7, 0), 7)
    t.equal(files.limitFor(0, 0), 0)
  }
  t.end()
})

t.test('limit on sessions — is the smaller one', t => {
  const files = new OpenFiles(shares)
  t.equal(files.limitFor(10_000, 0), 2)
  t.equal(files.limitFor(0, 0), 2)
  t.equal(files.limitFor(1, 0), 1)
  t.end()
})

t.test('limit on sessions — is what clients of other ports leave, and never 0', t => {
  const files = new OpenFiles(shares)
  files.admits(pipe())
  t.equal(files.limitFor(0, 1), 2, 'its own clients take nothing from it')
  t.equal(files.limitFor(0, 0), 1)
  files.admits(pipe())
  t.equal(files.limitFor(0, 0), 1)
  t.end()
})

t.test('clients in their handshake — at all ports together — crowd it like clients', t => {
  const files = new OpenFiles(shares)
  let [here, there] = [2, 2]
  files.countHandshakes(() => here)
  files.countHandshakes(() => there)
  t.notOk(files.isCrowded)
  here++
  t.ok(files.isCrowded)
  there = 0
  t.notOk(files.isCrowded)
  files.admits(pipe())
  t.notOk(files.isCrowded)
  files.letGo(pipe())
  t.ok(files.isCrowded)
  t.end()
})

t.test('clients and links — count until they are closed', t => {
  const files = new OpenFiles(shares)
  const [first, second] = [pipe(), pipe()]
  t.ok(files.admits(first))
  t.ok(files.admits(second))
  t.notOk(files.admits(pipe()))
  const links = [pipe(), pipe(), pipe()]
  for (const [i, link] of links.entries()) {
    t.ok(files.hasRoom)
    t.equal(files.hasRoomToSpare, i < 2)
    files.count(link)
  }
  t.notOk(files.hasRoom)
  links[0]?.destroy()
  t.ok(files.hasRoom)
  first.destroy()
  t.ok(files.admits(pipe()))
  t.end()
})

t.test('clients that are turned away — the newest may take their time', t => {
  const files = new OpenFiles(shares)
  const [first, second, third] = [pipe(), pipe(), pipe()]
  for (const one of [first, second]) files.letGo(one)
  t.notOk(first.isDestroyed)
  files.letGo(third)
  t.ok(first.isDestroyed)
  second.destroy()
  files.letGo(pipe())
  t.notOk(third.isDestroyed)
  t.end()
})

t.test('a dial without a file — is told once in a while — and nothing else is', t => {
  const lines: unknown[] = []
  const log = { warn: (line: unknown) => void lines.push(line) } as unknown as Log
  const files = new OpenFiles(shares, log)
  files.onError(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }))
  t.notOk(files.wasShort(60_000))
  for (let i = 0; i < 3; i++) files.onError(Object.assign(new Error('connect EMFILE'), { code: 'EMFILE' }))
  t.match(lines, [{ event: 'process.open_files', cause: 'connect EMFILE', remedy: /ulimit -n/, notLogged: 0 }])
  t.equal(lines.length, 1)
  t.ok(files.wasShort(60_000))
  t.end()
})
