import t from 'tap'
import { rules } from '../../../src/command/argument-rules.ts'
import { classifyCommand, worstClass } from '../../../src/command/classify.ts'
import type { ReplayClass } from '../../../src/command/command-spec.ts'
import { commandByName } from '../../../src/command/lookup.ts'
import { argumentsOf, repeatCases } from './repeat-cases.ts'

const nowMs = Date.UTC(2025, 0, 1)

function classify(command: string, at = nowMs): ReplayClass {
  return classifyCommand(
    command.split(' ').map(word => Buffer.from(word)),
    at,
  )
}

for (const { command, cls } of repeatCases) {
  const args = argumentsOf(command)
  t.test(`classify — ${args.join(' ').replaceAll('\n', ' / ')} — ${cls}`, async t => {
    t.equal(
      classifyCommand(
        args.map(arg => Buffer.from(arg)),
        nowMs,
      ),
      cls,
    )
  })
}

t.test('classify — every rule has an example for and against', async t => {
  const classes = new Map<string, Set<string>>()
  for (const { command, cls } of repeatCases) {
    const [name = '', subcommand = ''] = argumentsOf(command).map(word => word.toLowerCase())
    for (const key of [name, `${name}|${subcommand}`]) classes.set(key, (classes.get(key) ?? new Set()).add(cls))
  }
  // These share their rule with a command that has both.
  const alike = ['restore-asking', 'hpexpire', 'pexpire']
  const lacking = [...rules.keys()].filter(name => !alike.includes(name) && (classes.get(name)?.size ?? 0) < 2)
  t.strictSame(lacking, [])
})

t.test(
  'classify — times are compared with the given present — and with what a hold and other clocks add to it',
  async t => {
    const soonMs = nowMs + 10 * 60_000
    const second = soonMs / 1000
    t.equal(classify(`EXPIREAT k ${second + 1}`), 'idempotent')
    t.equal(classify(`EXPIREAT k ${second}`), 'state-idempotent')
    t.equal(classify(`EXPIREAT k ${second + 1}`, nowMs + 1000), 'state-idempotent')
    t.equal(classify(`PEXPIREAT k ${soonMs + 1}`), 'idempotent')
    t.equal(classify(`PEXPIREAT k ${soonMs}`), 'state-idempotent')
    t.equal(classify(`GETEX k PXAT ${soonMs + 1}`), 'idempotent')
    t.equal(classify(`GETEX k PXAT ${soonMs}`), 'state-idempotent')
    t.equal(classify(`HGETEX k EXAT ${second} FIELDS 1 f`), 'state-idempotent')
  },
)

t.test('classify — is never better than the table — for a command alone or cut short', async t => {
  for (const { command } of repeatCases) {
    const args = argumentsOf(command).map(arg => Buffer.from(arg))
    const name = String(args[0]).toLowerCase()
    if (!rules.has(name)) continue
    t.equal(classifyCommand(args.slice(0, 1), nowMs), commandByName(name).cls, name)
  }
})

t.test('classify — is never worse than the class of the table', async t => {
  const worse = repeatCases.filter(({ command, cls }) => {
    const { cls: known } = commandByName(argumentsOf(command)[0] ?? '')
    return known !== cls && worstClass(known, cls) !== worstClass(known, known)
  })
  t.strictSame(worse, [])
})

t.test('classify — no arguments at all — read', async t => {
  t.equal(classifyCommand([], nowMs), 'read')
})

t.test('classify — does not take binary or huge arguments for options', async t => {
  const huge = Buffer.alloc(1 << 20, 'N')
  t.equal(classifyCommand([Buffer.from('SET'), Buffer.from([0xff, 0]), huge], nowMs), 'idempotent')
  t.equal(classifyCommand([Buffer.from('SET'), huge, huge, huge], nowMs), 'state-idempotent')
})

t.test('worst class — answers the worse of two data classes, in any order', async t => {
  const order = ['read', 'idempotent', 'state-idempotent', 'non-idempotent'] as const
  for (const [i, a] of order.entries()) {
    for (const [j, b] of order.entries()) t.equal(worstClass(a, b), order[Math.max(i, j)])
  }
})

t.test('worst class — counts connection as idempotent, what is not about data as non-idempotent', async t => {
  t.equal(worstClass('connection', 'read'), 'idempotent')
  t.equal(worstClass('state-idempotent', 'connection'), 'state-idempotent')
  for (const cls of ['blocking', 'admin', 'forbidden'] as const) t.equal(worstClass('read', cls), 'non-idempotent')
})
