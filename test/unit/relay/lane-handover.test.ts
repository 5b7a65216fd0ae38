// Who may leave a silent link with all that is unanswered, and what is left behind.
import t from 'tap'
import { LearnedCommands } from '../../../src/command/learned-commands.ts'
import { createCounters } from '../../../src/ops/counters.ts'
import { findMovable, takeOver } from '../../../src/relay/lane-handover.ts'
import { createLocal, createRun, createUnit, type Request } from '../../../src/relay/request.ts'
import { encodeCommand } from '../../../src/resp/encode.ts'
import { Owner } from './owner.ts'

class Session extends Owner {
  follow(): void {}
}

const learned = new LearnedCommands()
const run = (owner: Owner, ...commands: string[][]): Request => {
  owner.pending += commands.length
  return createRun(owner, Buffer.concat(commands.map(encodeCommand)), commands.length)
}
const get = ['GET', 'k']
const incr = ['INCR', 'n']
const of = (sent: Request[], waiting: Request[] = []): unknown[] => [...findMovable(sent, waiting, learned).keys()]

t.test('hand-over — takes who waits for reads behind another session — and nobody else', async t => {
  const [first, reader, writer, mixed, later] = [
    new Session(),
    new Session(),
    new Session(),
    new Session(),
    new Session(),
  ]
  const sent = [run(first, get), run(reader, get, get), run(writer, incr), run(mixed, get), run(reader, get)]
  const waiting = [run(mixed, incr), run(later, incr)]
  t.strictSame(of(sent, waiting), [reader, mixed, later])
})

t.test('hand-over — leaves a session whole — when a part of it must stay', async t => {
  const [head, writer, elsewhere, gone, sentBefore] = [
    new Session(),
    new Session(),
    new Session(),
    new Session(),
    new Session(),
  ]
  const again = run(sentBefore, get)
  again.sends = 1
  const sent = [run(head, get), run(writer, get), run(writer, incr), run(elsewhere, get), run(gone, get)]
  elsewhere.pending++
  gone.gone = true
  t.strictSame(of(sent, [run(head, get), again]), [])
})

t.test('hand-over — leaves units and what cannot follow — to their link', async t => {
  const [head, unit, model] = [new Session(), new Session(), new Owner()]
  unit.pending++
  t.strictSame(of([run(head, get), createUnit(unit, encodeCommand(get), 1, 1, null), run(model, get)]), [])
})

t.test('taking over — leaves to the silent link a request that nobody hears — and counts all once', async t => {
  const counters = createCounters()
  const owner = new Session()
  const request = run(owner, get, ['GET', 'second'], ['GET', 'third'])
  counters.pendingBytes = request.weight
  request.expect = 2
  const copy = takeOver(request, counters)
  t.equal(
    copy.bytes.toString(),
    Buffer.concat([encodeCommand(['GET', 'second']), encodeCommand(['GET', 'third'])]).toString(),
  )
  t.strictSame([copy.owner, copy.commands, copy.expect, owner.answered], [owner, 2, 2, 1])
  t.equal(counters.pendingBytes, copy.weight)
  t.equal(request.weight, 0)
  request.owner.deliver(Buffer.from('$-1\r\n'))
  t.strictSame(owner.delivered, [])
})

t.test('taking over — keeps a reply of our own in its place — with what it counts for', async t => {
  const counters = createCounters()
  const owner = new Session()
  const local = createLocal(owner, Buffer.from('+OK\r\n'))
  local.commands = 3
  counters.pendingBytes = local.weight
  const copy = takeOver(local, counters)
  t.strictSame([copy.local?.toString(), copy.commands, counters.pendingBytes], ['+OK\r\n', 3, copy.weight])
})
