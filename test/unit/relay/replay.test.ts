import t from 'tap'
import type { ReplayClass } from '../../../src/command/spec.ts'
import { errors } from '../../../src/errors.ts'
import { classOf, decideReplay, framesOf, type Outcome, refusalOf, remainderOf } from '../../../src/relay/replay.ts'
import { createRun, createUnit, type RequestOwner } from '../../../src/relay/request.ts'
import { encodeCommand } from '../../../src/resp/encode.ts'

const owner: RequestOwner = { gone: false, pending: 0, deliver(): void {}, onAnswered(): void {} }
const frames = (...commands: string[]): Buffer => Buffer.concat(commands.map(c => encodeCommand(c.split(' '))))
const classes: ReplayClass[] = ['read', 'idempotent', 'state-idempotent', 'non-idempotent', 'blocking', 'admin']

t.test('decideReplay — outcome by class by policy', t => {
  for (const outcome of ['unsent', 'refused', 'unknown'] satisfies Outcome[])
    for (const cls of classes)
      for (const policy of ['always', 'safe'] as const) {
        const decision = decideReplay(outcome, cls, 1, { policy, maxRetries: 0 })
        const fails = outcome === 'unknown' && policy === 'safe' && cls !== 'read' && cls !== 'idempotent'
        const expected = fails ? { kind: 'fail', error: errors.unknownOutcome } : { kind: 'replay' }
        t.strictSame(decision, expected, `${outcome} ${cls} ${policy}`)
      }
  t.end()
})

t.test('decideReplay — ends when the retries are used up, and says whether it may have run', t => {
  const limits = { policy: 'always', maxRetries: 3 } as const
  t.equal(decideReplay('refused', 'read', 3, limits).kind, 'replay', 'sent three times: one retry is left')
  t.strictSame(decideReplay('refused', 'read', 4, limits), { kind: 'fail', error: errors.noMaster })
  t.strictSame(decideReplay('unknown', 'read', 4, limits), { kind: 'fail', error: errors.gaveUp })
  t.end()
})

t.test('classOf — is the worst of all commands, and MULTI and EXEC do not count', t => {
  const run = createRun(owner, frames('GET a', 'SET a 1'), 2)
  t.equal(classOf(run, Date.now()), 'idempotent')
  t.equal(classOf(createRun(owner, frames('GET a', 'INCR a', 'GET a'), 3), Date.now()), 'non-idempotent')
  const unit = createUnit(owner, frames('MULTI', 'GET a', 'EXEC'), 3, 3, null)
  t.equal(classOf(unit, Date.now()), 'read')
  t.end()
})

t.test('remainderOf — leaves what has no reply yet — one request or one per command', t => {
  const run = createRun(owner, frames('GET a', 'INCR b', 'GET c'), 3)
  run.sends = 2
  run.expect = 2
  const [rest] = remainderOf(run, false)
  t.strictSame(rest?.bytes, frames('INCR b', 'GET c'))
  t.equal(rest?.sends, 2)
  t.strictSame(
    remainderOf(run, true).map(part => part.bytes),
    [frames('INCR b'), frames('GET c')],
  )
  const unit = createUnit(owner, frames('MULTI', 'INCR a', 'EXEC'), 3, 3, null)
  unit.expect = 1
  t.equal(remainderOf(unit, true)[0], unit, 'a transaction stays whole')
  t.strictSame(framesOf(frames('A', 'B b')), [frames('A'), frames('B b')])
  t.throws(() => framesOf(frames('GET a').subarray(0, 5)), /half a frame/)
  t.end()
})

t.test('refusalOf — by the first word, and by the cause of an abort', t => {
  const vectors: readonly (readonly [string, string | undefined])[] = [
    ["-READONLY You can't write against a read only replica.", 'wrong-node'],
    ["-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", 'wrong-node'],
    ['-REDIRECT 127.0.0.1:6380', 'wrong-node'],
    ['-UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)', 'wrong-node'],
    ['-UNBLOCKED client unblocked via CLIENT UNBLOCK', undefined],
    ['-LOADING Redis is loading the dataset in memory', 'not-now'],
    ['-NOREPLICAS Not enough good replicas to write.', 'not-now'],
    [
      "-EXECABORT Transaction discarded because of: READONLY You can't write against a read only replica.",
      'wrong-node',
    ],
    ['-EXECABORT Transaction discarded because of: NOREPLICAS Not enough good replicas to write.', 'not-now'],
    ['-EXECABORT Transaction discarded because of previous errors.', undefined],
    ['-ERR unknown command', undefined],
    ['-READONLYISH thing', undefined],
    ['-WRONGTYPE Operation', undefined],
    ['-OOM', undefined],
  ]
  for (const [line, expected] of vectors) t.equal(refusalOf(Buffer.from(`${line}\r\n`)), expected, line)
  t.end()
})
