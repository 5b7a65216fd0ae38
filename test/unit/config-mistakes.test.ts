// Mistakes that people make at the command line: what they are told must be true of what they wrote, and help.
import t from 'tap'
import { options } from '../../src/config/option-table.ts'
import { readConfig } from '../../src/config.ts'

const needed = ['--sentinels', 's', '--master', 'm']

function errorsOf(argv: readonly string[], env: Record<string, string> = {}): string[] {
  const read = readConfig(argv, env)
  return read.kind === 'errors' ? read.errors : []
}

t.test('a switch — with another word behind it than on and off — is named', async t => {
  t.strictSame(errorsOf([...needed, '--redis-tls', 'yes']), ['--redis-tls: got another word, expected on or off'])
  t.strictSame(errorsOf([...needed, '--redis-tls=on', 'yes']), [
    'argument 6: expected an option (--name value), got a word that belongs to none',
  ])
})

t.test('an amount — out of its limits — is told examples within them', async t => {
  for (const [name, { kind }] of Object.entries(options)) {
    const read = kind.read('?')
    const expected = 'expected' in read ? read.expected : ''
    if (!/ from \S+ to /.test(expected)) continue
    const [, all = ''] = expected.split(', such as ')
    for (const example of all.split(/, | or /).filter(Boolean))
      t.ok('value' in kind.read(example), `${name}: ${expected}`)
  }
  t.strictSame(errorsOf([...needed, '--replica-max-lag', '0']), [
    '--replica-max-lag: got "0", expected a time from 500ms to 24h, such as 5s or 2m',
  ])
})

t.test('a time without its unit — where that is hardly milliseconds — is asked for it', async t => {
  const told = (given: string, meant = `${given}s or ${given}ms`) =>
    `got "${given}", expected a unit, as a number alone is milliseconds: ${meant}`
  t.strictSame(errorsOf([...needed, '--hold-timeout', '5']), [`--hold-timeout: ${told('5')}`])
  t.strictSame(errorsOf(needed, { HOLDFAST_TCP_KEEPALIVE: '300' }), [
    `HOLDFAST_TCP_KEEPALIVE (environment): ${told('300')}`,
  ])
  t.strictSame(errorsOf([...needed, '--connect-timeout', '5']), [`--connect-timeout: ${told('5', '5s')}`])
  t.strictSame(errorsOf([...needed, '--hold-timeout', '500', '--frame-timeout', '0', '--retry-backoff-min', '20']), [])
})

t.test('several masters — without their ports — are no master of such a name', async t => {
  t.match(errorsOf(['--sentinels', 's', '--master', 'cache,queue']), [
    /^--master: got "cache" in "cache,queue", expected NAME=PORT or NAME=HOST:PORT for each of several masters/,
  ])
})

t.test('a file — whose name is empty — is no file that cannot be read', async t => {
  const expected = 'got nothing, expected the name of a file'
  t.strictSame(errorsOf([...needed, '--redis-password-file', '']), [`--redis-password-file: ${expected}`])
  t.strictSame(errorsOf([...needed, '--control-socket', '']), [`--control-socket: ${expected}`])
  t.strictSame(errorsOf([...needed], { HOLDFAST_CONFIG: '' }), [`HOLDFAST_CONFIG (environment): ${expected}`])
})

t.test('two sockets at one path — are no socket of another process', async t => {
  const both = (one: string, other: string) => errorsOf([...needed, `--${one}`, './h.sock', `--${other}`, 'h.sock'])
  for (const [one, other] of [
    ['control-socket', 'listen-socket'],
    ['control-socket', 'replica-listen-socket'],
    ['replica-listen-socket', 'listen-socket'],
  ] as const) {
    const got = `(got ./h.sock from --${one} and h.sock from --${other})`
    t.strictSame(both(one, other), [`--${one} must not be the path of --${other} ${got}`])
  }
})

t.test('two ports at one place — every address of the machine is that of the loopback, too', async t => {
  const at = (one: string, other: string) =>
    errorsOf([...needed, '--listen', '1', `--${one}`, '0.0.0.0:7', `--${other}`, '7'])
  t.match(at('admin-listen', 'sentinel-listen'), [/^--sentinel-listen must not be the address of --admin-listen/])
  t.match(at('replica-listen', 'admin-listen'), [/^--replica-listen must not be the address of --admin-listen/])
  t.match(errorsOf([...needed, '--listen', '0.0.0.0:7', '--admin-listen', '7']), [
    /^--admin-listen must not be the address of --listen/,
  ])
  t.strictSame(errorsOf([...needed, '--listen', '0', '--admin-listen', '0']), [])
})
