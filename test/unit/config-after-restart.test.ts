// What a restart would find in the options, by the --config file: which are others, and what is wrong.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type AfterRestart, readConfig } from '../../src/config.ts'

/** Reads a configuration, writes another one in its place, and answers what a restart would find. */
function between(t: Test, before: string, after: string | null, env: Record<string, string> = {}): AfterRestart {
  const file = join(t.testdir({ 'holdfast.yaml': before }), 'holdfast.yaml')
  const read = readConfig(['--config', file], env)
  if (read.kind !== 'config') throw new Error(JSON.stringify(read))
  if (after === null) rmSync(file)
  else writeFileSync(file, after)
  return read.afterRestart()
}

const one = ['sentinels: a', 'master: m', 'redis-username: u', 'redis-password: secret-1']
const text = (...lines: readonly string[]): string => lines.join('\n')
const several = (...ofCache: readonly string[]): string =>
  text(
    'sentinels: a',
    'hold-timeout: 9s',
    'masters:',
    '  cache:',
    '    listen: 1',
    ...ofCache,
    '  queue:',
    '    listen: 2',
  )

t.test('the same options — nothing is told — however they are written', async t => {
  t.strictSame(between(t, text(...one), text('# later', ...one.toReversed())), { options: [], mistakes: [] })
  t.strictSame(between(t, several(), several('    hold-timeout: 9000ms')), { options: [], mistakes: [] })
  const env = { HOLDFAST_HOLD_TIMEOUT: '7s' }
  t.strictSame(between(t, text(...one), text(...one, 'hold-timeout: 8s'), env), { options: [], mistakes: [] })
})

t.test('other options — are named — without a value', async t => {
  const cases: readonly [string, string, readonly string[]][] = [
    [text(...one), text(...one, 'nat-map: a:1=b:2', 'read-split: on'), ['nat-map', 'read-split']],
    [text(...one, 'dry-run: on'), text(...one), ['dry-run']],
    [text(...one), text(...one).replace('secret-1', 'secret-2'), ['redis-password']],
    [text(...one), text(...one).replace('master: m', 'master: n'), ['master']],
    [text(...one), text(...one).replace('a', 'b'), ['sentinels']],
  ]
  for (const [before, after, options] of cases) t.strictSame(between(t, before, after), { options, mistakes: [] })
})

t.test('a password of a file — is named where it comes from another file — and not for its content', async t => {
  const folder = t.testdir({ one: 'first', two: 'first' })
  const by = (name: string): string => text('sentinels: a', 'master: m', `redis-password-file: ${join(folder, name)}`)
  const file = join(folder, 'holdfast.yaml')
  writeFileSync(file, by('one'))
  const read = readConfig(['--config', file], {})
  if (read.kind !== 'config') throw new Error(JSON.stringify(read))
  writeFileSync(join(folder, 'one'), 'second')
  t.strictSame(read.afterRestart().options, [])
  writeFileSync(file, by('two'))
  t.strictSame(read.afterRestart().options, ['redis-password-file'])
  writeFileSync(file, text('sentinels: a', 'master: m', 'redis-password: first'))
  t.strictSame(read.afterRestart().options, ['redis-password'])
})

t.test('several masters — an option of one of them has its name before it', async t => {
  const cases: readonly [string, string, readonly string[]][] = [
    [several(), several('    hold-timeout: 8s'), ['cache: hold-timeout']],
    [several(), several('    required: false'), ['cache: required']],
    [several(), several().replace('9s', '8s'), ['hold-timeout']],
    [several(), several().replace('sentinels: a', 'sentinels: b'), ['sentinels']],
    [several(), several().replace('queue', 'jobs'), ['master']],
    [several(), text(...one), ['master']],
  ]
  for (const [before, after, options] of cases) t.strictSame(between(t, before, after), { options, mistakes: [] })
})

t.test('a file that cannot be used — is told as at a start — and changes no option', async t => {
  const found = between(t, text(...one), text(...one, 'hold-timeout: soon'))
  t.strictSame(found.options, [])
  t.match(found.mistakes, [/holdfast.yaml: hold-timeout: got "soon", expected a time/])
  t.match(between(t, text(...one), null).mistakes[0], /--config: cannot read .*: no such file or directory/)
  t.match(between(t, text(...one), '{').mistakes, [/line 1: not valid YAML or JSON/])
})
