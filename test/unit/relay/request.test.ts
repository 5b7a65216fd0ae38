import t from 'tap'
import { Marking } from '../../../src/command/marking.ts'
import { classOf, namedClassOf } from '../../../src/relay/replay-rule.ts'
import {
  createLocal,
  createRun,
  createRunInParts,
  createUnit,
  failRequest,
  makeLocal,
  REQUEST_BYTES,
  type RequestHandler,
  wholeBytes,
} from '../../../src/relay/request.ts'
import { encodeCommand } from '../../../src/resp/encode.ts'
import { Owner } from './owner.ts'

const owner = new Owner()
const bytes = Buffer.from('*1\r\n$4\r\nPING\r\n')
const error = Buffer.from('-ERR x\r\n')
const silentHandler = (): RequestHandler => ({ onReply() {}, onReplay() {}, onFailed() {} })

t.test('request — has one shape — however it is made', async t => {
  const made = {
    run: createRun(owner, bytes, 1),
    unit: createUnit(owner, bytes, 1, 2, null),
    local: createLocal(owner, error),
    parts: createRunInParts(owner, [bytes.subarray(0, 5), bytes.subarray(5)], Marking.none),
  }
  const keys = Object.keys(made.run)
  for (const [name, request] of Object.entries(made)) t.strictSame(Object.keys(request), keys, name)
  const failed = createRun(owner, bytes, 1)
  failRequest(failed, error)
  t.strictSame(Object.keys(failed), keys, 'failed')
})

t.test('request — is counted — by its bytes, also when they are replaced', async t => {
  const run = createRun(owner, bytes, 1)
  makeLocal(run, error)
  t.equal(run.weight, bytes.length + REQUEST_BYTES)
  t.equal(run.bytes.length, 0)
  t.strictSame([run.expect, run.handler, run.local], [0, null, error])
})

t.test('failure — owes an error for each command — of a run', async t => {
  const run = createRun(owner, Buffer.concat([bytes, bytes, bytes]), 3)
  failRequest(run, error)
  t.equal(String(run.local), '-ERR x\r\n'.repeat(3))
})

t.test('failure — owes an error for each reply the client has not — of a transaction', async t => {
  for (const [answered, given, owed] of [
    [0, 0, 3],
    [1, 0, 2],
    [2, 0, 1],
    [0, 2, 1],
    [1, 2, 1],
  ] as const) {
    const unit = createUnit(owner, bytes, 3, 3, null)
    unit.expect -= answered
    unit.given = given
    failRequest(unit, error)
    t.equal(String(unit.local), '-ERR x\r\n'.repeat(owed), `${answered} answered this time, ${given} before`)
  }
})

t.test('failure — tells the handler once — and owes one error', async t => {
  let failed = 0
  const unit = createUnit(owner, bytes, 1, 1, { ...silentHandler(), onFailed: () => void failed++ })
  failRequest(unit, error)
  t.equal(failed, 1)
  t.equal(unit.local, error)
})

t.test('failure — of a subscription — is one error, as the server would answer', async t => {
  const unit = createUnit(owner, bytes, 1, 3, silentHandler())
  failRequest(unit, error)
  t.equal(unit.local, error)
})

t.test('request in parts — weighs what it holds — and is whole once it is looked into', async t => {
  const frame = encodeCommand(['SET', 'key', 'x'.repeat(100)])
  const parts = [frame.subarray(0, 30), frame.subarray(30, 31), frame.subarray(31)]
  const request = createRunInParts(new Owner(), parts, Marking.writes)
  const whole = createRun(new Owner(), frame, 1)
  t.equal(request.weight, whole.weight)
  t.equal(namedClassOf(request), namedClassOf(whole))
  t.equal(classOf(request, 0), classOf(whole, 0))
  t.ok(wholeBytes(request).equals(frame))
  t.equal(request.rest, null, 'the parts are not sent a second time')
})

t.test('request in parts — sends nothing more — once it is answered with an error of our own', async t => {
  const request = createRunInParts(new Owner(), [Buffer.from('*1\r\n$4\r\n'), Buffer.from('PING\r\n')], Marking.none)
  failRequest(request, Buffer.from('-ERR\r\n'))
  t.strictSame([request.bytes.length, request.rest], [0, null])
})
