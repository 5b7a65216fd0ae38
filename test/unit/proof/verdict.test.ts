// What a marker says of a block, and what its commands get: the whole tables.
import t from 'tap'
import { errors } from '../../../src/errors.ts'
import { constantReply, errorOf, judge, replyTo, transactionReply } from '../../../src/proof/verdict.ts'
import { commandArgs } from '../../../src/resp/decode.ts'
import { encodeCommand } from '../../../src/resp/encode.ts'

const args = (...words: string[]): Buffer[] => commandArgs(encodeCommand(words))

t.test('verdict — by the marker of the block, and the fence', async t => {
  for (const [value, fenced, verdict] of [
    [7, true, 'applied'],
    [7, false, 'applied'],
    [6, true, 'not-applied'],
    [6, false, 'no-fence'],
    [0, true, 'not-applied'],
    [null, true, 'no-marker'],
    [null, false, 'no-marker'],
  ] as const)
    t.equal(judge(7, value, fenced), verdict, `${value} ${fenced}`)
  for (const value of [6, 0, null]) t.equal(judge(7, value, true, true), 'set-back', `${value}, set back`)
  t.equal(judge(7, 7, true, true), 'applied', 'who has written it has run, whatever became of the others')
})

t.test('verdict — what a command gets — by what it is and where it stands', async t => {
  const text = (reply: Buffer | null): string => reply?.toString().split(' ', 1)[0]?.trim() ?? 'again'
  for (const [command, verdict, isBehind, gets] of [
    [['GET', 'k'], 'applied', true, 'again'],
    [['GET', 'k'], 'applied', false, '-TRYAGAIN'],
    [['GET', 'k'], 'no-marker', true, 'again'],
    [['GET', 'k'], 'no-marker', false, '-TRYAGAIN'],
    [['INCR', 'k'], 'applied', true, '-APPLIED'],
    [['INCR', 'k'], 'no-marker', true, '-UNKNOWN'],
    [['SET', 'k', 'v'], 'applied', false, '+OK'],
    [['SET', 'k', 'v'], 'no-fence', false, '-UNKNOWN'],
  ] as const)
    t.equal(
      text(replyTo(args(...command), verdict, { writes: command[0] !== 'GET', isBehind })),
      gets,
      `${command} ${verdict}`,
    )
})

t.test('verdict — a reply that is always the same — only where the command cannot fail', async t => {
  for (const always of [
    'SET k v',
    'set k v EX 10',
    'SET k v px 999999999',
    'MSET a 1 b 2',
    'SETEX k 10 v',
    'PSETEX k 1 v',
  ])
    t.equal(constantReply(args(...always.split(' ')))?.toString(), '+OK\r\n', always)
  for (const always of ['FLUSHALL', 'FLUSHDB ASYNC', 'flushall sync'])
    t.equal(constantReply(args(...always.split(' ')))?.toString(), '+OK\r\n', always)
  for (const never of ['SET k v NX', 'SET k v GET', 'SET k v EX 0', 'SET k v EX -1', 'SET k v EX 9999999999', 'SET k'])
    t.equal(constantReply(args(...never.split(' '))), null, never)
  for (const never of [
    'MSET a 1 b',
    'SETEX k x v',
    'HMSET h f v',
    'LSET l 0 v',
    'INCR k',
    'FLUSHALL NOW',
    'RENAME a b',
  ])
    t.equal(constantReply(args(...never.split(' '))), null, never)
})

t.test('verdict — a whole transaction — has the replies before EXEC’s', async t => {
  const exec = Buffer.from('-APPLIED x\r\n')
  t.equal(transactionReply(4, exec).toString(), '+OK\r\n+QUEUED\r\n+QUEUED\r\n-APPLIED x\r\n')
  t.equal(transactionReply(2, exec).toString(), '+OK\r\n-APPLIED x\r\n')
})

t.test('verdict — what a marker decides names no policy — --ack writes markers under each', async t => {
  for (const name of ['applied', 'readLost', 'markerLost', 'markerSetBack', 'notEnded', 'undecided'] as const)
    t.notMatch(errors[name].reply.toString(), /retry-policy/, name)
})

t.test(
  'verdict — an UNKNOWN names it — no marker, one that was set back, or a lost link that could not be ended',
  async t => {
    t.equal(errorOf('no-marker'), errors.markerLost)
    t.equal(errorOf('no-fence'), errors.notEnded)
    t.equal(errorOf('set-back'), errors.markerSetBack)
  },
)
