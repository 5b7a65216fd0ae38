// What must not go to a master that answers in a replica's place.
import t from 'tap'
import { LearnedCommands } from '../../../src/command/learned-commands.ts'
import { createCounters } from '../../../src/ops/counters.ts'
import type { LaneHost } from '../../../src/relay/lane-host.ts'
import type { ProvenLane } from '../../../src/relay/prover.ts'
import { commandsIn } from '../../../src/relay/replay-rule.ts'
import { createRun, createUnit, nobody, type Request } from '../../../src/relay/request.ts'
import { isWrite, ReadOnly, readOnlyForm } from '../../../src/replicas/read-only.ts'
import { encodeCommand } from '../../../src/resp/encode.ts'
import type { Link } from '../../../src/upstream/link.ts'

const bytesOf = (...lines: readonly string[]): Buffer =>
  Buffer.concat(lines.map(line => encodeCommand(line.split(' '))))

function sentTo(role: 'master' | 'replica', request: Request): string[] {
  const sent: string[] = []
  const link = {
    master: { host: 'n', port: 1, epoch: 1, runId: null, ...(role === 'replica' && { role }) },
    send: (one: Request) => void sent.push(one.local === null ? one.bytes.toString() : `local ${one.local}`),
    replies: { settleHead() {} },
    writeIfMuch() {},
  } as unknown as Link<Request>
  const host = { learned: new LearnedCommands(), counters: createCounters() } as unknown as LaneHost
  new ReadOnly({ prepare: () => true } as unknown as ProvenLane, host).take(link, request)
  return sent
}

const refused = "local -READONLY You can't write against a read only replica.\r\n"

t.test('isWrite — by the name — and a command that nobody knows is one', async t => {
  const learned = new LearnedCommands()
  learned.learn(
    new Map([
      ['json.get', new Set(['readonly'])],
      ['json.set', new Set(['write'])],
    ]),
  )
  const is = (line: string): boolean => [...commandsIn(bytesOf(line))].some(one => isWrite(one, learned))
  for (const line of [
    'SET k v',
    'GETEX k',
    'SORT k',
    'BLPOP k 0',
    'FLUSHALL',
    'PFDEBUG TODENSE k',
    'XGROUP CREATE s g 0',
    'JSON.SET k . 1',
    'NEW k',
  ])
    t.ok(is(line), line)
  for (const line of [
    'GET k',
    'XREAD STREAMS s 0',
    'PUBLISH c m',
    'SUBSCRIBE c',
    'SCRIPT LOAD x',
    'CONFIG GET x',
    'JSON.GET k',
  ])
    t.notOk(is(line), line)
})

t.test('readOnlyForm — of scripts and functions — is what a server lets only read', async t => {
  const [one] = commandsIn(bytesOf('eval x 1 k'))
  t.equal(one && readOnlyForm(one).toString(), bytesOf('EVAL_RO x 1 k').toString())
})

t.test('a run of commands — at a replica as it came, at the master — without its writes', async t => {
  const run = (): Request => createRun(nobody, bytesOf('GET a', 'SET a 1', 'EVALSHA x 0'), 3)
  t.strictSame(sentTo('replica', run()), [bytesOf('GET a', 'SET a 1', 'EVALSHA x 0').toString()])
  t.strictSame(sentTo('master', run()), [bytesOf('GET a').toString(), refused, bytesOf('EVALSHA_RO x 0').toString()])
  const reads = createRun(nobody, bytesOf('GET a', 'GET b'), 2)
  t.strictSame(sentTo('master', reads), [bytesOf('GET a', 'GET b').toString()])
})

t.test('a whole transaction with a write — at the master — is answered as a replica does', async t => {
  const unit = createUnit(nobody, bytesOf('MULTI', 'GET a', 'SET a 1', 'EXEC'), 4, 4, null)
  const [answer = ''] = sentTo('master', unit)
  const lines = answer.split('\r\n').map(line => line.split(' ').slice(0, 2).join(' '))
  t.strictSame(lines, ['local +OK', '+QUEUED', '-READONLY You', '-EXECABORT Transaction', ''])
})
