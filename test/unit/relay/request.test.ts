import t from 'tap'
import {
  createLocal,
  createRun,
  createUnit,
  failRequest,
  makeLocal,
  REQUEST_BYTES,
  type RequestHandler,
} from '../../../src/relay/request.ts'
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
