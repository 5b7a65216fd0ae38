import t from 'tap'
import type { ReplayClass } from '../../../src/command/command-spec.ts'
import { type ErrorSpec, errors } from '../../../src/errors.ts'
import {
  classOf,
  decideReplay,
  framesOf,
  outcomeBehindRefused,
  part,
  type RequestFate,
  remainderOf,
} from '../../../src/relay/replay-rule.ts'
import { createLocal, createRun, createUnit, REQUEST_BYTES } from '../../../src/relay/request.ts'
import { encodeCommand } from '../../../src/resp/encode.ts'
import { Owner } from './owner.ts'

const classes: readonly ReplayClass[] = [
  'read',
  'idempotent',
  'state-idempotent',
  'non-idempotent',
  'connection',
  'blocking',
  'admin',
  'forbidden',
]
const outcomes: readonly RequestFate[] = ['unsent', 'refused', 'unknown']

/** The published table, written down apart from the code: null means "send it again". */
function truth(
  outcome: RequestFate,
  cls: ReplayClass,
  policy: 'always' | 'safe',
  overLimit: boolean,
): ErrorSpec | null {
  const mayRepeat = cls === 'read' || cls === 'idempotent'
  if (policy === 'safe' && outcome === 'unknown' && !mayRepeat) return errors.unknownOutcome
  if (!overLimit) return null
  return outcome === 'unknown' ? errors.gaveUp : errors.noMaster
}

for (const policy of ['always', 'safe'] as const) {
  for (const outcome of outcomes) {
    t.test(`replay — ${outcome} under ${policy} — for every class, number of sends and limit`, async t => {
      for (const cls of classes) {
        for (const maxRetries of [0, 1, 3]) {
          for (const sends of [0, 1, 2, 3, 4, 100]) {
            const expected = truth(outcome, cls, policy, maxRetries > 0 && sends > maxRetries)
            const found = decideReplay(outcome, cls, sends, { policy, maxRetries })
            t.equal(found, expected, `${cls}, ${sends} sends, limit ${maxRetries}`)
          }
        }
      }
    })
  }
}

t.test('errors — say whether the command may have run — as the decision knows it', async t => {
  t.equal(errors.noMaster.executed, 'no')
  t.equal(errors.gaveUp.executed, 'unknown')
  t.equal(errors.unknownOutcome.executed, 'unknown')
})

const get = encodeCommand(['GET', 'k'])
const incr = encodeCommand(['INCR', 'k'])
const set = encodeCommand(['SET', 'k', 'v'])

t.test('frames — of a request — are its commands, byte for byte', async t => {
  t.strictSame(framesOf(Buffer.concat([get, incr, set])), [get, incr, set])
  t.strictSame(framesOf(Buffer.alloc(0)), [])
  t.throws(() => framesOf(get.subarray(0, 5)))
})

t.test('class — of several commands — is the worst of them', async t => {
  const owner = new Owner()
  t.equal(classOf(createRun(owner, Buffer.concat([get, get]), 2), 0), 'read')
  t.equal(classOf(createRun(owner, Buffer.concat([get, set]), 2), 0), 'idempotent')
  t.equal(classOf(createRun(owner, Buffer.concat([incr, get, set]), 3), 0), 'non-idempotent')
})

t.test('class — of a transaction — is that of what it encloses', async t => {
  const wrap = (...frames: Buffer[]): Buffer =>
    Buffer.concat([encodeCommand(['MULTI']), ...frames, encodeCommand(['exec'])])
  const owner = new Owner()
  t.equal(classOf(createUnit(owner, wrap(get), 3, 3, null), 0), 'read')
  t.equal(classOf(createUnit(owner, wrap(set), 3, 3, null), 0), 'idempotent')
  t.equal(classOf(createUnit(owner, wrap(set, incr), 4, 4, null), 0), 'non-idempotent')
})

t.test('remainder — of a run — is what has no reply yet', async t => {
  const owner = new Owner()
  for (let answered = 0; answered < 3; answered++) {
    for (const split of [false, true]) {
      const run = createRun(owner, Buffer.concat([get, incr, set]), 3)
      run.expect -= answered
      const parts = remainderOf(run, split)
      const left = [get, incr, set].slice(answered)
      t.strictSame(Buffer.concat(parts.map(({ bytes }) => bytes)), Buffer.concat(left), `${answered} answered`)
      t.equal(parts.length, split ? left.length : 1, `${answered} answered, split ${split}`)
      for (const { commands, expect, replies } of parts) {
        t.equal(commands, split ? 1 : left.length)
        t.strictSame([expect, replies], [commands, commands])
      }
      t.equal(
        parts.reduce((sum, { weight }) => sum + weight, 0),
        Buffer.concat(left).length + parts.length * REQUEST_BYTES,
      )
    }
  }
})

t.test('remainder — of what stands alone or together — is the request itself', async t => {
  const owner = new Owner()
  for (const request of [
    createRun(owner, get, 1),
    createUnit(owner, Buffer.concat([get, set]), 2, 2, null),
    createLocal(owner, Buffer.from('+OK\r\n')),
  ]) {
    const [first, ...others] = remainderOf(request, true)
    t.equal(first, request)
    t.equal(others.length, 0)
  }
})

t.test('part — of a run — has the history of the whole', async t => {
  const run = createRun(new Owner(), Buffer.concat([get, incr]), 2)
  run.sends = 3
  run.heldAt = 17
  const { sends, heldAt, owner, bytes } = part(run, incr, 1)
  t.strictSame([sends, heldAt], [3, 17])
  t.equal(owner, run.owner)
  t.strictSame(bytes, incr)
})

t.test('behind a refusal — a command has run, or has not — as its subcommand says', async t => {
  const rows: readonly (readonly [args: readonly string[], outcome: string])[] = [
    [['INCR', 'k'], 'refused'],
    [['PUBLISH', 'news', 'x'], 'unknown'],
    [['CONFIG', 'SET', 'maxmemory', '1gb'], 'unknown'],
    [['config', 'set', 'maxmemory', '1gb'], 'unknown'],
    [['CONFIG', 'GET', 'maxmemory'], 'refused'],
    [['SLOWLOG', 'RESET'], 'unknown'],
    [['SLOWLOG', 'GET'], 'refused'],
    [['SCRIPT', 'FLUSH'], 'unknown'],
    [['SCRIPT', 'EXISTS', 'abc'], 'refused'],
    [['FUNCTION', 'FLUSH'], 'refused'],
    [['CONFIG', 'NEWER', 'x'], 'unknown'],
    [['NEWER.COMMAND', 'k'], 'unknown'],
  ]
  for (const [args, outcome] of rows) {
    t.equal(outcomeBehindRefused(createRun(new Owner(), encodeCommand(args), 1)), outcome, args.join(' '))
  }
})
