// Whose words an error line is: a server's that refuses the command, or the command's own.
import t from 'tap'
import { judgeError, refusalCode, serverRefusalOf } from '../../../src/relay/refusal-texts.ts'
import { createRun, createUnit, type Request, type RequestHandler } from '../../../src/relay/request.ts'
import { encodeCommand } from '../../../src/resp/encode.ts'
import { Owner } from './owner.ts'

const readonly = "READONLY You can't write against a read only replica."
const down = "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."
const forced = 'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)'
const inScript = ' script: ae3477e27be955de7e1bc9adfdca626b478d3cb2, on @user_script:1.'
const abort = 'EXECABORT Transaction discarded because of: '

/** As redis-server 8.0.2 and valkey-server 8.1.1 say it, and older and newer ones. */
const whole: readonly (readonly [line: string, refusal: 'wrong-node' | 'not-now'])[] = [
  [readonly, 'wrong-node'],
  [readonly + inScript, 'wrong-node'],
  ["READONLY You can't write against a read only slave.", 'wrong-node'],
  ['READONLY Can not run script with write flag on readonly replica', 'wrong-node'],
  [down, 'wrong-node'],
  ["MASTERDOWN Link with MASTER is down and slave-serve-stale-data is set to 'no'.", 'wrong-node'],
  [
    "MASTERDOWN Link with MASTER is down, replica-serve-stale-data is set to 'no' and 'allow-stale' flag is not set on the script.",
    'wrong-node',
  ],
  ['REDIRECT 10.0.0.1:6379', 'wrong-node'],
  [forced, 'wrong-node'],
  ['LOADING Redis is loading the dataset in memory', 'not-now'],
  ['LOADING Valkey is loading the dataset in memory', 'not-now'],
  ['NOREPLICAS Not enough good replicas to write.', 'not-now'],
  [`NOREPLICAS Not enough good replicas to write.${inScript}`, 'not-now'],
  [abort + readonly, 'wrong-node'],
  [`${abort}LOADING Redis is loading the dataset in memory`, 'not-now'],
  [`${abort}NOREPLICAS Not enough good replicas to write.`, 'not-now'],
]
/** What a script may say, or other commands. */
const others = [
  'READONLY document is locked',
  'READONLY',
  `${readonly} said by a script`,
  `no ${readonly}`,
  'MASTERDOWN for maintenance',
  'LOADING',
  'LOADING your cart, try again',
  'LOADING Redis is loading the dataset in memory, said by a script',
  'NOREPLICAS of this document',
  'REDIRECT to the login page',
  `${abort}READONLY document is locked`,
]
const never = [
  'UNBLOCKED client unblocked via CLIENT UNBLOCK',
  'UNBLOCKED the stream key no longer exists',
  `${abort}OOM command not allowed when used memory > 'maxmemory'.`,
  'EXECABORT Transaction discarded because of previous errors.',
  'READONLYISH no',
  'readonly no',
  'ERR READONLY',
  `MYERR because of: ${readonly}`,
  'TRYAGAIN Multiple keys request during rehashing of slot',
  'MISCONF Redis is configured to save RDB snapshots',
  'BUSY Redis is busy running a script.',
  'OOM command not allowed',
  'NOAUTH Authentication required.',
  'WRONGTYPE Operation against a key',
  'NOSCRIPT No matching script.',
  'constructor of an object',
  '',
]

const error = (line: string): Buffer => Buffer.from(`-${line}\r\n`)
const owner = new Owner()

/** A run whose n-th command (from 0) has just been answered. */
function answered(commands: readonly string[][], n = 0): Request {
  const run = createRun(owner, Buffer.concat(commands.map(encodeCommand)), commands.length)
  run.expect -= n + 1
  return run
}
const judged = (request: Request, line: string): string => {
  const found = judgeError(request, error(line))
  return found === null ? 'reply' : found.proved ? found.refusal : `ask: ${found.refusal}`
}

const plain = [['INCR', 'n'], ['get', 'k'], ['XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', 's', '>'], ['EXEC']]
const scripts = [
  ['EVAL', "return redis.error_reply('x')", '0'],
  ['evalsha', 'abc', '0'],
  ['EVAL_RO', 'x', '0'],
  ['EVALSHA_RO', 'x', '0'],
  ['FCALL', 'f', '0'],
  ['fcall_ro', 'f', '0'],
  ['FT.SEARCH', 'i', 'q'],
]

for (const [line, refusal] of whole) {
  t.test(`refusal — is ${refusal} — for -${line.slice(0, 90)}`, async t => {
    t.equal(serverRefusalOf(error(line)), refusal)
    for (const command of plain) t.equal(judged(answered([command]), line), refusal, `${command[0]}`)
  })
}

t.test('refusal — is asked about — where a script or a module may have said it', async t => {
  for (const [line, refusal] of whole) {
    if (line.includes('NOREPLICAS')) continue
    for (const command of scripts)
      t.equal(judged(answered([command]), line), `ask: ${refusal}`, `${command[0]}: ${line}`)
  }
})

t.test('refusal — is none — where a script says more or less than a server does', async t => {
  for (const line of [...others, ...never])
    for (const command of scripts) t.equal(judged(answered([command]), line), 'reply', `${command[0]}: ${line}`)
})

t.test('refusal — is asked about — where a server seems to have new words for it', async t => {
  t.equal(judged(answered([['INCR', 'n']]), 'READONLY This node is a replica.'), 'ask: wrong-node')
  t.equal(judged(answered([['INCR', 'n']]), 'LOADING in progress'), 'ask: not-now')
  t.equal(judged(answered([['INCR', 'n']]), 'NOREPLICAS at hand'), 'not-now', 'the role would not tell')
})

t.test('refusal — is none — of other errors', async t => {
  for (const line of never) {
    t.equal(serverRefusalOf(error(line)), undefined, line)
    for (const command of plain) t.equal(judged(answered([command]), line), 'reply', `${command[0]}: ${line}`)
  }
  for (const line of others) t.equal(serverRefusalOf(error(line)), undefined, line)
})

t.test('NOREPLICAS — of a script without flags — is the server’s with what the server adds to it alone', async t => {
  const line = 'NOREPLICAS Not enough good replicas to write.'
  t.equal(judged(answered([['EVAL', "return redis.call('incr','x')", '0']]), line + inScript), 'not-now')
  t.equal(judged(answered([['EVAL', 'return 1', '0']]), line), 'reply')
  t.equal(judged(answered([['EVAL', "#!lua\nreturn redis.call('incr','x')", '0']]), line), 'not-now')
  t.equal(judged(answered([['FCALL', 'f', '0']]), line), 'not-now')
})

t.test('refusal — is judged by the command — that the line has answered', async t => {
  const run = [
    ['INCR', 'n'],
    ['EVAL', 'x', '0'],
    ['INCR', 'n'],
  ]
  t.equal(judged(answered(run, 0), readonly), 'wrong-node')
  t.equal(judged(answered(run, 1), readonly), 'ask: wrong-node')
  t.equal(judged(answered(run, 2), readonly), 'wrong-node')
})

t.test('refusal — is the server’s — of what is queued and of EXEC', async t => {
  const transaction = [['MULTI'], ['EVAL', 'x', '0'], ['EXEC']]
  const unit = createUnit(owner, Buffer.concat(transaction.map(encodeCommand)), 3, 3, null)
  unit.expect = 1
  t.equal(judged(unit, readonly), 'wrong-node')
  unit.expect = 0
  t.equal(judged(unit, abort + readonly), 'wrong-node')
  const handler: RequestHandler = { ofOpenTransaction: true, onReply() {}, onReplay() {}, onFailed() {} }
  const queued = createUnit(owner, encodeCommand(['EVAL', 'x', '0']), 1, 1, handler)
  queued.expect = 0
  t.equal(judged(queued, readonly), 'wrong-node')
})

t.test('refusal — is counted — by its own first word', async t => {
  t.equal(refusalCode(error(readonly)), 'READONLY')
  t.equal(refusalCode(error(abort + readonly)), 'READONLY')
  t.equal(refusalCode(error('EXECABORT Transaction discarded because of previous errors.')), 'EXECABORT')
})
