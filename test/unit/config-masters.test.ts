// Several masters: the short form, `masters` in the file, what is inherited, and every mistake at once.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { masterTable, optionsOf } from '../../src/config/master-options.ts'
import { options } from '../../src/config/option-table.ts'
import { type Config, printableConfigs, readConfig } from '../../src/config.ts'

function write(t: Test, content: string): string {
  const path = join(t.testdir(), 'h.yaml')
  writeFileSync(path, content)
  return path
}

function mastersOf(argv: readonly string[], env: Record<string, string> = {}): readonly [Config, ...Config[]] {
  const read = readConfig(argv, env)
  if (read.kind !== 'config') throw new Error(`no configuration: ${JSON.stringify(read)}`)
  return read.masters
}

function errorsOf(argv: readonly string[], env: Record<string, string> = {}): readonly string[] {
  const read = readConfig(argv, env)
  if (read.kind !== 'errors') throw new Error(`no errors: ${JSON.stringify(read)}`)
  return read.errors
}

const seeds = ['--sentinels', 's1'] as const
const listens = (configs: readonly Config[]) => configs.map(one => [one.masterName, one.listen?.port])

t.test('short form — names each master with its port — and all else holds for all', async t => {
  const configs = mastersOf([...seeds, '--master', 'cache=6379,queue=0.0.0.0:6380', '--hold-timeout', '5s'])
  t.strictSame(
    configs.map(one => [one.masterName, one.listen, one.holdTimeoutMs, one.required]),
    [
      ['cache', { host: '127.0.0.1', port: 6379 }, 5000, true],
      ['queue', { host: '0.0.0.0', port: 6380 }, 5000, true],
    ],
  )
  t.ok(configs.every(Object.isFrozen))
})

t.test('short form — of one master is one — and a name alone keeps its meaning', async t => {
  t.strictSame(listens(mastersOf([...seeds, '--master', 'cache=7000'])), [['cache', 7000]])
  t.strictSame(listens(mastersOf([...seeds, '--master', 'cache'])), [['cache', 6379]])
  // Sentinel's names have no comma: whoever writes one has several masters, and left out their ports.
  const path = write(t, 'sentinels: a\nmasters:\n  "a,b": { listen: 7001 }\n')
  t.strictSame(listens(mastersOf(['--config', path])), [['a,b', 7001]])
})

t.test('short form — that is none — is one error each', async t => {
  const expected = 'expected NAME=PORT or NAME=HOST:PORT for each of several masters, separated by commas'
  t.strictSame(errorsOf([...seeds, '--master', 'cache=6379,queue']), [
    `--master: got "queue" in "cache=6379,queue", ${expected}`,
  ])
  t.strictSame(errorsOf([...seeds, '--master', 'cache=70000']), [`--master: got "cache=70000", ${expected}`])
  t.strictSame(errorsOf([...seeds, '--master', 'a=1,a=2']), [
    '--master: got "a=2" in "a=1,a=2", expected each master once',
  ])
})

t.test('masters in the file — have what they say — and inherit the rest from file, environment and flags', async t => {
  const path = write(
    t,
    `sentinels: [a, b, c]
hold-timeout: 5s
redis-username: app
redis-password: shared
links: private
masters:
  cache:
    listen: 6379
    retry-policy: safe
  queue:
    listen-socket: /run/holdfast/queue.sock
    redis-password: own
    hold-timeout: 90s
    links: auto
    required: false
`,
  )
  const [cache, queue] = mastersOf(['--config', path, '--max-sessions', '7'], { HOLDFAST_LINKS: 'private' })
  t.match(cache, {
    masterName: 'cache',
    required: true,
    listen: { port: 6379 },
    listenSocket: null,
    retryPolicy: 'safe',
    holdTimeoutMs: 5000,
    redisPassword: 'shared',
    links: 'private',
    maxSessions: 7,
  })
  t.match(queue, {
    masterName: 'queue',
    required: false,
    listen: null,
    listenSocket: { path: '/run/holdfast/queue.sock' },
    retryPolicy: 'always',
    holdTimeoutMs: 90_000,
    redisUsername: 'app',
    redisPassword: 'own',
    links: 'auto',
    maxSessions: 7,
  })
})

t.test('masters in the file — take a password from a file of their own — instead of the one they inherit', async t => {
  const dir = t.testdir({ secret: 'from-file\n' })
  const secret = join(dir, 'secret')
  const path = join(dir, 'h.yaml')
  writeFileSync(
    path,
    `sentinels: a
redis-password: shared
masters:
  cache: { listen: 1, redis-password-file: ${secret} }
  queue: { listen: 2 }
`,
  )
  const [cache, queue] = mastersOf(['--config', path])
  t.strictSame([cache.redisPassword, cache.passwordFiles.redis], ['from-file', secret])
  t.strictSame([queue?.redisPassword, queue?.passwordFiles.redis], ['shared', null])
})

t.test('every mistake about masters — is reported at once — each with its place', async t => {
  const path = write(
    t,
    `sentinels: a
admin-listen: 6379
masters:
  cache:
    listen: 6379
    hold-timout: 3s
    sentinels: b
  queue:
    listen: 0.0.0.0:6379
    retry-policy: never
    retry-backoff-min: 20s
  session:
    redis-username: app
  jobs: 6380
`,
  )
  const errors = errorsOf(['--config', path, '--master', 'm', '--listen', '7000'], { HOLDFAST_ANNOUNCE: 'h:1' })
  const own = 'given for several masters; each needs its own, below its name in masters in the --config file'
  t.strictSame(
    errors.toSorted(),
    [
      `--listen: ${own}`,
      '--master: given together with masters in the --config file; expected only one of them',
      `HOLDFAST_ANNOUNCE (environment): ${own}`,
      `${path}: masters.cache: hold-timout: no such option (did you mean hold-timeout?)`,
      `${path}: masters.cache: sentinels: holds for all masters; it stands outside of masters`,
      `${path}: masters.jobs: expected "option: value" lines below the name`,
      `${path}: masters.queue: retry-policy: got "never", expected one of always, safe, once`,
      'master cache: --admin-listen must not be the address of --listen ' +
        `(got 6379 from ${path}: admin-listen and 6379 from ${path}: masters.cache: listen)`,
      'master queue: --admin-listen must not be the address of --listen ' +
        `(got 6379 from ${path}: admin-listen and 0.0.0.0:6379 from ${path}: masters.queue: listen)`,
      'master queue: --retry-backoff-min must not be more than --retry-backoff-max ' +
        `(got 20s from ${path}: masters.queue: retry-backoff-min and the default 1s of --retry-backoff-max)`,
      'master session: --listen or --listen-socket is needed, as clients must connect somewhere ' +
        '(got no --listen and no --listen-socket)',
      'master session: --redis-username needs --redis-password or --redis-password-file ' +
        `(got app from ${path}: masters.session: redis-username and no --redis-password)`,
      'masters cache and queue: both listen at 127.0.0.1:6379 and 0.0.0.0:6379; each needs a port of its own',
    ].toSorted(),
  )
})

t.test('masters in the file — that are none — are an error', async t => {
  const expected = 'expected a name for each master, with its options below it'
  for (const text of ['masters:', 'masters: cache', 'masters: []', 'masters: {}']) {
    const path = write(t, `sentinels: a\n${text}\n`)
    t.strictSame(errorsOf(['--config', path]), [`${path}: masters: ${expected}`], text)
  }
})

t.test('a mistake in what all inherit — is reported once', async t => {
  const path = write(t, 'sentinels: a\nredis-username: app\nmasters:\n  cache: { listen: 1 }\n  queue: { listen: 2 }\n')
  t.strictSame(errorsOf(['--config', path]), [
    '--redis-username needs --redis-password or --redis-password-file ' +
      `(got app from ${path}: redis-username and no --redis-password)`,
  ])
})

t.test('the same socket twice — is an error — and port 0 is not', async t => {
  const both = 'masters:\n  cache: { listen-socket: /run/h.sock }\n  queue: { listen-socket: /run/h.sock }\n'
  t.strictSame(errorsOf(['--config', write(t, `sentinels: a\n${both}`)]), [
    'masters cache and queue: both listen at /run/h.sock; each needs a socket of its own',
  ])
  const crossed =
    'masters:\n' +
    '  cache: { listen: 1, replica-listen-socket: /run/r.sock }\n' +
    '  queue: { listen-socket: /run/r.sock, replica-listen-socket: /run/r.sock }\n'
  const path = write(t, `sentinels: a\n${crossed}`)
  t.strictSame(errorsOf(['--config', path]), [
    'master queue: --replica-listen-socket must not be the path of --listen-socket ' +
      `(got /run/r.sock from ${path}: masters.queue: replica-listen-socket ` +
      `and /run/r.sock from ${path}: masters.queue: listen-socket)`,
    'masters cache and queue: both listen at /run/r.sock; each needs a socket of its own',
  ])
  t.strictSame(listens(mastersOf([...seeds, '--master', 'a=0,b=0'])), [
    ['a', 0],
    ['b', 0],
  ])
})

t.test('replica ports — beside every other port — are one error each, all at once', async t => {
  const path = write(
    t,
    `sentinels: s1
replica-max-lag: 10s
masters:
  cache: { listen: 6379, replica-listen: 6380 }
  queue: { listen: 6380, replica-listen: 6379, replica-fallback: never }
  third: { listen: 7000, replica-listen: 7000 }
`,
  )
  t.strictSame(errorsOf(['--config', path]), [
    `${path}: masters.queue: replica-fallback: got "never", expected one of master, hold, error`,
    'master third: --replica-listen must not be the address of --listen ' +
      `(got 7000 from ${path}: masters.third: replica-listen and 7000 from ${path}: masters.third: listen)`,
    'masters cache and queue: both listen at 127.0.0.1:6379; each needs a port of its own',
    'masters cache and queue: both listen at 127.0.0.1:6380; each needs a port of its own',
  ])
  const one = [...seeds, '--master', 'm', '--listen', '1', '--sentinel-listen', '2', '--admin-listen', '3']
  for (const [port, other] of [
    ['2', '--sentinel-listen'],
    ['3', '--admin-listen'],
    ['1', '--listen'],
  ] as const) {
    const [error = '', ...more] = errorsOf([...one, '--replica-listen', port])
    t.ok(error.includes(`--replica-listen must not be the address of ${other}`), error)
    t.strictSame(more, [])
  }
})

t.test('printableConfigs — shows what all have once, and the rest by name — and no secret', async t => {
  const path = write(
    t,
    'sentinels: a\nmasters:\n  cache: { listen: 1, redis-password: hunter1 }\n  queue: { listen: 2, redis-password: hunter2 }\n',
  )
  const printed = printableConfigs(mastersOf(['--config', path]))
  t.match(printed, { sentinels: ['a:26379'], redisPassword: '[secret]', holdTimeoutMs: 60_000 })
  t.strictSame(printed['masters'], { cache: { listen: '127.0.0.1:1' }, queue: { listen: '127.0.0.1:2' } })
  t.notMatch(JSON.stringify(printed), 'hunter')
  const alone = printableConfigs(mastersOf([...seeds, '--master', 'm']))
  t.match(alone, { masterName: 'm' })
  t.notOk('masters' in alone)
})

t.test('every option — is of the program or of a master — and no master has one of the program', async t => {
  const [program, master, own] = [optionsOf('program'), optionsOf('master'), optionsOf('own')]
  t.strictSame([program, master, own].flatMap(table => Object.keys(table)).toSorted(), Object.keys(options).toSorted())
  t.strictSame(
    Object.keys(program).filter(name => name in masterTable),
    [],
  )
})
