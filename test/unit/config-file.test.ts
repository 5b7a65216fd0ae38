// The configuration file and the files of secrets: YAML and JSON, precedence, and errors that quote nothing of them.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Config, readConfig } from '../../src/config.ts'

function write(t: Test, content: string, name = 'h.yaml'): string {
  const path = join(t.testdir(), name)
  writeFileSync(path, content)
  return path
}

function configOf(argv: readonly string[], env: Record<string, string> = {}): Config {
  const read = readConfig(argv, env)
  if (read.kind !== 'config') throw new Error(`no configuration: ${JSON.stringify(read)}`)
  return read.config
}

function errorsOf(argv: readonly string[], env: Record<string, string> = {}): string[] {
  const read = readConfig(argv, env)
  if (read.kind !== 'errors') throw new Error(`no errors: ${JSON.stringify(read)}`)
  return read.errors
}

t.test('file — gives options from YAML — with lists as lists', async t => {
  const path = write(
    t,
    `# a comment
sentinels: [a:1, "[::1]:2"]
master: mymaster
deny-commands:
  - +keys
  - -shutdown
max-retries: 3
hold-timeout: 5s
redis-password: 0123
`,
  )
  const config = configOf(['--config', path])
  t.strictSame(config.sentinels, [
    { host: 'a', port: 1 },
    { host: '::1', port: 2 },
  ])
  t.equal(config.masterName, 'mymaster')
  t.ok(config.denyCommands.includes('keys') && !config.denyCommands.includes('shutdown'))
  t.equal(config.maxRetries, 3)
  t.equal(config.holdTimeoutMs, 5000)
  t.equal(config.redisPassword, '0123', 'a number is the text that stands there')
})

t.test('file — gives options from JSON', async t => {
  const json = JSON.stringify({ sentinels: ['a:1'], master: 'm', 'max-retries': 3, 'redis-password': 'p"\\n' })
  const config = configOf(['--config', write(t, json, 'h.json')])
  t.strictSame([config.sentinels, config.maxRetries, config.redisPassword], [[{ host: 'a', port: 1 }], 3, 'p"\\n'])
})

t.test('file — loses to the environment, which loses to the flag', async t => {
  const path = write(t, 'sentinels: a\nmaster: file\nmax-retries: 1\nlisten: 1\n')
  const env = { HOLDFAST_CONFIG: path, HOLDFAST_MAX_RETRIES: '2', HOLDFAST_LISTEN: '2' }
  const config = configOf(['--listen', '3'], env)
  t.strictSame([config.masterName, config.maxRetries, config.listen?.port], ['file', 2, 3])
})

t.test('file — is named in its errors, with the key', async t => {
  const path = write(
    t,
    'sentinels: {a: 1}\nmaster: [m]\nmax-retires: 3\nmax-retries: few\nconfig: x\nlinks:\nlisten: null\nHold: 1\n',
  )
  t.strictSame(errorsOf(['--config', path], { HOLDFAST_SENTINELS: 'a', HOLDFAST_MASTER: 'm' }), [
    `${path}: sentinels: expected one value or a list of values`,
    `${path}: master: expected one value`,
    `${path}: max-retires: no such option (did you mean max-retries?)`,
    `${path}: config: no such option`,
    `${path}: links: got nothing, expected one value`,
    `${path}: listen: got nothing, expected one value`,
    `${path}: Hold: no such option`,
    `${path}: max-retries: got "few", expected a whole number from 0 to 1000000`,
  ])
})

t.test('file — may be empty', async t => {
  t.equal(configOf(['--config', write(t, '# nothing yet\n'), '--sentinels', 'a', '--master', 'm']).masterName, 'm')
})

t.test('file — that cannot be read is one error — not a complaint about what it may hold', async t => {
  const missing = join(t.testdir(), 'no.yaml')
  t.strictSame(errorsOf(['--config', missing, '--max-retries', 'x']), [
    `--config: cannot read ${missing}: no such file or directory (ENOENT)`,
    '--max-retries: got "x", expected a whole number from 0 to 1000000',
  ])
  const folder = t.testdir()
  t.strictSame(errorsOf([], { HOLDFAST_CONFIG: folder }), [
    `HOLDFAST_CONFIG (environment): cannot read ${folder}: illegal operation on a directory (EISDIR)`,
  ])
  t.match(errorsOf(['--config=']), ['--config: got nothing, expected the name of a file'])
})

t.test('file — a syntax error is told by its line — and no part of the file is shown', async t => {
  const broken = [
    'master: m\nredis-password: @hunter2\n',
    'master: m\nredis-password: *hunter2\n',
    'master: m\nredis-password: !hunter2\n',
    'master: m\nredis-password: &hunter2\n',
    'master: m\nredis-password: "hunter2\n',
    'master: m\nredis-password:hunter2\n',
    'master: m\nredis-password: hunter2: x\n',
    'master: m\nredis-password: {hunter2: x}\n',
    'master: m\nredis-passwordhunter2: x\n',
    'master: m\nredis-password: hunter2\nredis-password: hunter2\n',
    '{redis-password:hunter2, master: m}',
    '{"redis-password": "hunter2" "master": "m"}',
    'redis-password hunter2',
    '- redis-password: hunter2\n',
    'redis-password: hunter2\n---\nmaster: m\n',
    '%hunter2 x\nmaster: m\n',
    'redis-password: !!binary aHVudGVyMg==\n',
    '[hunter2]: x\n',
    '*hunter2 : x\n',
  ]
  for (const content of broken) {
    const errors = errorsOf(['--config', write(t, content), '--sentinels', 'a', '--master', 'm'])
    t.notMatch(errors.join('\n'), /hunter2|aHVud/, JSON.stringify(content))
    t.match(errors[0], /h\.yaml: /, `${errors[0]}`)
  }
  t.match(
    errorsOf(['--config', write(t, 'master: m\nredis-password: @x\n')])[0],
    /: line 2: not valid YAML or JSON \(bad scalar start; a value that starts with a special character needs quotes\)$/,
  )
})

t.test('file — that is not valid — each error says what to do about it', async t => {
  const remedies: Readonly<Record<string, RegExp>> = {
    '\tmaster: m\n': /line 1: .*\(tab as indent; indent with blanks\)$/,
    'master: m\nlinks: auto\nmaster: n\n': /line 3: .*\(duplicate key; an option stands there once\)$/,
    'hold-timeout: 5s\n listen: 6379\n': /line 1: .*; options of one level begin in the same column, and a value with/,
    'redis-password: a: b\n': /line 1: .*a value with a colon and a blank in it needs quotes\)$/,
    '{"master": "m"\n': /line 2: .*\(missing char; a quote, a bracket, or the colon behind a name is missing\)$/,
    'master: m\n---\nlinks: auto\n': /line 2: .*\(multiple docs; a file has one document, without --- in it\)$/,
    'redis-password: *x\n': /: redis-password: a value that starts with & or \* needs quotes$/,
    'redis-password: &x y\n': /: redis-password: a value that starts with & or \* needs quotes$/,
  }
  for (const [content, remedy] of Object.entries(remedies))
    t.match(errorsOf(['--config', write(t, content), '--sentinels', 'a', '--master', 'm'])[0], remedy, content)
})

t.test('secret file — gives the password without its last line end', async t => {
  const needed = ['--sentinels', 'a', '--master', 'm']
  const of = (content: string) =>
    configOf([...needed, '--redis-password-file', write(t, content, 'secret')]).redisPassword
  t.equal(of('hunter2'), 'hunter2')
  t.equal(of('hunter2\n'), 'hunter2')
  t.equal(of('hunter2\r\n'), 'hunter2')
  t.equal(of(' hunter2 \n\n'), ' hunter2 \n')
  const path = write(t, 'hunter2\n', 'secret')
  t.equal(configOf(needed, { HOLDFAST_SENTINEL_PASSWORD_FILE: path }).sentinelPassword, 'hunter2')
  const yaml = `redis-password-file: ${path}\nredis-username: app\n`
  const file = `${path}.yaml`
  writeFileSync(file, yaml)
  t.equal(configOf([...needed, '--config', file]).redisPassword, 'hunter2')
})

t.test('secret file — is an error — when it cannot be read, is empty, or the password is given as well', async t => {
  const needed = ['--sentinels', 'a', '--master', 'm']
  const path = write(t, '\n', 'secret')
  t.strictSame(errorsOf([...needed, '--redis-password-file', path]), [
    `--redis-password-file: ${path}: got nothing, expected a password, or the option left out where there is none`,
  ])
  t.strictSame(errorsOf(needed, { HOLDFAST_REDIS_PASSWORD_FILE: `${path}.no` }), [
    `HOLDFAST_REDIS_PASSWORD_FILE (environment): cannot read ${path}.no: no such file or directory (ENOENT)`,
  ])
  t.strictSame(errorsOf([...needed, '--redis-password', 'hunter2'], { HOLDFAST_REDIS_PASSWORD_FILE: path }), [
    '--redis-password: given together with HOLDFAST_REDIS_PASSWORD_FILE (environment); expected only one of them',
  ])
})
