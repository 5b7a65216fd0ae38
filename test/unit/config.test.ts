// The reading of options: sources, precedence, relations, and errors that name the place and never a secret.
import t, { type Test } from 'tap'
import { helpTable } from '../../src/config/help.ts'
import { options } from '../../src/config/option-table.ts'
import { type Config, printableConfig, readConfig } from '../../src/config.ts'
import { Authority } from '../support/certificates.ts'
import { without } from '../support/needs.ts'
import { makeFolder, removeFolder } from '../support/servers.ts'

const skip = without('openssl')

const needed = ['--sentinels', 's1', '--master', 'm'] as const

function configOf(t: Test, argv: readonly string[], env: Record<string, string> = {}): Config {
  const read = readConfig(argv, env)
  if (read.kind !== 'config') throw new Error(`no configuration: ${JSON.stringify(read)}`)
  t.ok(Object.isFrozen(read.config))
  return read.config
}

function errorsOf(argv: readonly string[], env: Record<string, string> = {}): string[] {
  const read = readConfig(argv, env)
  if (read.kind !== 'errors') throw new Error(`no errors: ${JSON.stringify(read)}`)
  return read.errors
}

t.test('config — has the documented defaults — when only what is required is given', async t => {
  t.strictSame(configOf(t, needed), {
    sentinels: [{ host: 's1', port: 26379 }],
    masterName: 'm',
    required: true,
    connectTimeoutMs: 2000,
    answerTimeoutMs: 1000,
    natMap: [],
    listen: { host: '127.0.0.1', port: 6379 },
    listenSocket: null,
    clientUsername: null,
    clientPassword: null,
    frameTimeoutMs: 60_000,
    tcpKeepaliveMs: 300_000,
    sentinelListen: null,
    replicaListen: null,
    replicaListenSocket: null,
    replicaMaxLagMs: 5000,
    replicaFallback: 'master',
    readSplit: false,
    handoffNotifications: true,
    announce: null,
    maxUnreadBytes: 64 * 1024 * 1024,
    links: 'auto',
    denyCommands: ['sync', 'psync', 'replconf', 'replicaof', 'slaveof', 'failover', 'shutdown'],
    retryPolicy: 'always',
    ackReplicas: 0,
    reads: 'plain',
    maxRetries: 0,
    retryBackoffMinMs: 50,
    retryBackoffMaxMs: 1000,
    holdTimeoutMs: 60_000,
    maxHeldBytes: 256 * 1024 * 1024,
    maxSessionHeldBytes: 1024 * 1024,
    maxSessions: 10_000,
    redisUsername: null,
    redisPassword: null,
    sentinelUsername: null,
    sentinelPassword: null,
    passwordFiles: { redis: null, sentinel: null, client: null },
    redisTls: null,
    sentinelTls: null,
    listenTls: null,
    adminListen: null,
    controlSocket: null,
    dryRun: false,
    logLevel: 'info',
    logPretty: false,
    sockets: 'auto',
    pollForMs: 0,
    shutdownDelayMs: 0,
    shutdownGraceMs: 10_000,
  })
})

t.test('config — takes every option from the environment', { skip }, async t => {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const authority = new Authority(dir)
  const { cert, key } = authority.issue('own')
  const config = configOf(t, [], {
    HOLDFAST_SENTINELS: 'a:1, b,[::1]:3',
    HOLDFAST_MASTER: 'main',
    HOLDFAST_CONNECT_TIMEOUT: '3s',
    HOLDFAST_ANSWER_TIMEOUT: '1500ms',
    HOLDFAST_NAT_MAP: '10.0.0.1:6379=[::1]:16379,db:1=edge:2',
    HOLDFAST_LISTEN: '[::]:0',
    HOLDFAST_LISTEN_SOCKET: '/run/holdfast.sock',
    HOLDFAST_LISTEN_SOCKET_MODE: '600',
    HOLDFAST_LISTEN_SOCKET_OWNER: '1000:1001',
    HOLDFAST_CLIENT_USERNAME: 'local',
    HOLDFAST_CLIENT_PASSWORD: 'p0',
    HOLDFAST_FRAME_TIMEOUT: '0',
    HOLDFAST_HANDOFF_NOTIFICATIONS: 'off',
    HOLDFAST_REPLICA_LISTEN: '6380',
    HOLDFAST_REPLICA_LISTEN_SOCKET: '/run/replicas.sock',
    HOLDFAST_REPLICA_MAX_LAG: '750ms',
    HOLDFAST_REPLICA_FALLBACK: 'hold',
    HOLDFAST_SENTINEL_LISTEN: '26380',
    HOLDFAST_ANNOUNCE: 'holdfast:7',
    HOLDFAST_MAX_UNREAD_BYTES: '2mb',
    HOLDFAST_LINKS: 'private',
    HOLDFAST_DENY_COMMANDS: '',
    HOLDFAST_RETRY_POLICY: 'safe',
    HOLDFAST_ACK: 'replicated=2',
    HOLDFAST_READS: 'committed',
    HOLDFAST_MAX_RETRIES: '3',
    HOLDFAST_RETRY_BACKOFF_MIN: '5s',
    HOLDFAST_RETRY_BACKOFF_MAX: '5000',
    HOLDFAST_HOLD_TIMEOUT: '2m',
    HOLDFAST_MAX_HELD_BYTES: '1gb',
    HOLDFAST_MAX_SESSION_HELD_BYTES: '64kb',
    HOLDFAST_MAX_SESSIONS: '0',
    HOLDFAST_REDIS_USERNAME: 'app',
    HOLDFAST_REDIS_PASSWORD: 'p1',
    HOLDFAST_SENTINEL_USERNAME: 'watch',
    HOLDFAST_SENTINEL_PASSWORD: 'p2',
    HOLDFAST_REDIS_TLS: 'on',
    HOLDFAST_REDIS_TLS_CA: authority.ca,
    HOLDFAST_SENTINEL_TLS: 'on',
    HOLDFAST_SENTINEL_TLS_CERT: cert,
    HOLDFAST_SENTINEL_TLS_KEY: key,
    HOLDFAST_SENTINEL_TLS_SERVER_NAME: 'sentinel',
    HOLDFAST_SENTINEL_TLS_MIN_VERSION: 'TLSv1.3',
    HOLDFAST_LISTEN_TLS_CERT: cert,
    HOLDFAST_LISTEN_TLS_KEY: key,
    HOLDFAST_LISTEN_TLS_CA: authority.ca,
    HOLDFAST_ADMIN_LISTEN: '9121',
    HOLDFAST_CONTROL_SOCKET: '/run/control.sock',
    HOLDFAST_DRY_RUN: 'off',
    HOLDFAST_LOG_LEVEL: 'debug',
    HOLDFAST_LOG_PRETTY: 'on',
    HOLDFAST_SOCKETS: 'streams',
    HOLDFAST_POLL_FOR: '50us',
    HOLDFAST_SHUTDOWN_DELAY: '5s',
    HOLDFAST_SHUTDOWN_GRACE: '0',
  })
  t.strictSame(config, {
    required: true,
    sentinels: [
      { host: 'a', port: 1 },
      { host: 'b', port: 26379 },
      { host: '::1', port: 3 },
    ],
    masterName: 'main',
    connectTimeoutMs: 3000,
    answerTimeoutMs: 1500,
    natMap: [
      { from: { host: '10.0.0.1', port: 6379 }, to: { host: '::1', port: 16_379 } },
      { from: { host: 'db', port: 1 }, to: { host: 'edge', port: 2 } },
    ],
    listen: { host: '::', port: 0 },
    listenSocket: { path: '/run/holdfast.sock', mode: 0o600, owner: { uid: 1000, gid: 1001 } },
    clientUsername: 'local',
    clientPassword: 'p0',
    frameTimeoutMs: 0,
    tcpKeepaliveMs: 300_000,
    sentinelListen: { host: '127.0.0.1', port: 26380 },
    replicaListen: { host: '127.0.0.1', port: 6380 },
    replicaListenSocket: { path: '/run/replicas.sock', mode: 0o600, owner: { uid: 1000, gid: 1001 } },
    replicaMaxLagMs: 750,
    replicaFallback: 'hold',
    readSplit: false,
    handoffNotifications: false,
    announce: { host: 'holdfast', port: 7 },
    maxUnreadBytes: 2 * 1024 * 1024,
    links: 'private',
    denyCommands: [],
    retryPolicy: 'safe',
    ackReplicas: 2,
    reads: 'committed',
    maxRetries: 3,
    retryBackoffMinMs: 5000,
    retryBackoffMaxMs: 5000,
    holdTimeoutMs: 120_000,
    maxHeldBytes: 1024 ** 3,
    maxSessionHeldBytes: 65_536,
    maxSessions: 0,
    redisUsername: 'app',
    redisPassword: 'p1',
    sentinelUsername: 'watch',
    sentinelPassword: 'p2',
    passwordFiles: { redis: null, sentinel: null, client: null },
    redisTls: { caFile: authority.ca, certFile: null, keyFile: null, serverName: null, minVersion: 'TLSv1.2' },
    sentinelTls: {
      caFile: null,
      certFile: cert,
      keyFile: key,
      serverName: 'sentinel',
      minVersion: 'TLSv1.3',
    },
    listenTls: { certFile: cert, keyFile: key, caFile: authority.ca, minVersion: 'TLSv1.2' },
    adminListen: { host: '127.0.0.1', port: 9121 },
    controlSocket: '/run/control.sock',
    dryRun: false,
    logLevel: 'debug',
    logPretty: true,
    sockets: 'streams',
    pollForMs: 0.05,
    shutdownDelayMs: 5000,
    shutdownGraceMs: 0,
  })
})

t.test('config — a switch alone is on — and takes a word behind it', async t => {
  const serverName = (argv: readonly string[]): unknown => configOf(t, [...needed, ...argv]).redisTls?.serverName
  t.equal(serverName(['--redis-tls', '--redis-tls-server-name', 'db']), 'db')
  t.equal(serverName(['--redis-tls', 'on', '--redis-tls-server-name', 'db']), 'db')
  t.equal(configOf(t, [...needed, '--redis-tls', 'off']).redisTls, null)
  t.equal(configOf(t, [...needed, '--redis-tls=off', '--log-pretty']).logPretty, true)
})

t.test('config — says what an option needs beside it', async t => {
  t.strictSame(
    errorsOf([
      ...needed,
      ...['--listen', 'none', '--redis-tls-ca', 'a.pem', '--sentinel-tls', '--sentinel-tls-key', 'k.pem'],
      ...['--client-username', 'u', '--listen-tls-ca', 'c.pem', '--listen-socket-owner', '0'],
    ]),
    [
      '--listen or --listen-socket is needed, as clients must connect somewhere (got none from --listen and no --listen-socket)',
      '--listen-socket-owner needs --listen-socket or --replica-listen-socket (got 0 from --listen-socket-owner and no --listen-socket)',
      '--client-username needs --client-password or --client-password-file (got u from --client-username and no --client-password)',
      '--redis-tls-ca needs --redis-tls on (got a.pem from --redis-tls-ca and the default off of --redis-tls)',
      '--sentinel-tls-key needs --sentinel-tls-cert (got k.pem from --sentinel-tls-key and no --sentinel-tls-cert)',
      '--listen-tls-ca needs --listen-tls-cert (got c.pem from --listen-tls-ca and no --listen-tls-cert)',
    ],
  )
})

t.test('config — is frozen all the way down', async t => {
  const config = configOf(t, needed)
  t.throws(() => Object.assign(config, { maxRetries: 9 }), TypeError)
  t.ok(Object.isFrozen(config.sentinels))
  t.ok(config.sentinels.every(Object.isFrozen))
  t.ok(Object.isFrozen(config.denyCommands))
})

t.test('config — reports everything that is wrong at once — by where it stood', async t => {
  const errors = errorsOf(['--max-retries', 'many', '--listen', 'here:99999', '--links', 'shared'], {
    HOLDFAST_HOLD_TIMEOUT: '5 parsecs',
    HOLDFAST_MAX_HELD_BYTES: '12k',
    HOLDFAST_LOG_LEVEL: 'loud',
  })
  t.strictSame(errors.toSorted(), [
    '--links: got "shared", expected one of auto, private',
    '--listen: got "here:99999", expected PORT or HOST:PORT, with the port from 0 to 65535 and IPv6 in brackets; or none',
    '--master: required; give the flag, HOLDFAST_MASTER, or "master" in the --config file',
    '--max-retries: got "many", expected a whole number from 0 to 1000000',
    '--sentinels: required; give the flag, HOLDFAST_SENTINELS, or "sentinels" in the --config file',
    'HOLDFAST_HOLD_TIMEOUT (environment): got "5 parsecs", expected a time from 1ms to 24h, such as 250ms, 5s or 2m',
    'HOLDFAST_LOG_LEVEL (environment): got "loud", expected one of trace, debug, info, warn, error, fatal, silent',
    'HOLDFAST_MAX_HELD_BYTES (environment): got "12k", expected a size from 1kb to 1024gb, such as 64kb, 256mb or 1gb',
  ])
})

t.test('config — a flag wins over the environment — and a value that lost is not judged', async t => {
  t.equal(configOf(t, [...needed, '--max-retries=3'], { HOLDFAST_MAX_RETRIES: 'many' }).maxRetries, 3)
})

t.test('config — unknown flags and variables are errors — with the name that was meant', async t => {
  t.strictSame(
    errorsOf([...needed, '--hold-timout', '5s', '--quite-different', '-x'], {
      HOLDFAST_MASTR: 'm',
      HOLDFAST_redis_password: 'x',
      HOLDFAST_CONFIGURATION_OF_IT: 'x',
      OTHER_MASTER: 'x',
    }),
    [
      '--hold-timout: no such option (did you mean --hold-timeout?)',
      '--quite-different: no such option',
      '-x: no such option',
      'HOLDFAST_MASTR (environment): no such option (did you mean HOLDFAST_MASTER?)',
      'HOLDFAST_redis_password (environment): no such option (did you mean HOLDFAST_REDIS_PASSWORD?)',
      'HOLDFAST_CONFIGURATION_OF_IT (environment): no such option',
    ],
  )
})

t.test('config — ignores the variables Kubernetes makes for a service of that name', async t => {
  configOf(t, needed, {
    HOLDFAST_SERVICE_HOST: '10.0.0.1',
    HOLDFAST_SERVICE_PORT: '6379',
    HOLDFAST_SERVICE_PORT_REDIS: '6379',
    HOLDFAST_PORT: 'tcp://10.0.0.1:6379',
    HOLDFAST_PORT_6379_TCP: 'tcp://10.0.0.1:6379',
    HOLDFAST_PORT_6379_TCP_PROTO: 'tcp',
    HOLDFAST_PORT_6379_TCP_PORT: '6379',
    HOLDFAST_PORT_6379_TCP_ADDR: '10.0.0.1',
    HOLDFAST_CACHE_PORT: 'tcp://10.0.0.1:6379',
  })
  t.strictSame(errorsOf(needed, { HOLDFAST_PORT: '6379' }), ['HOLDFAST_PORT (environment): no such option'])
})

t.test('config — a flag without its value is an error — and does not swallow the next flag', async t => {
  t.strictSame(errorsOf(['--sentinels', 's', '--master', '--links', 'private']), [
    '--master: expected a value; one that starts with -- is written --master=VALUE',
    '--master: required; give the flag, HOLDFAST_MASTER, or "master" in the --config file',
  ])
  t.match(errorsOf([...needed, '--listen'])[0], /^--listen: expected a value/)
  t.equal(configOf(t, ['--sentinels', 's', '--master=--odd']).masterName, '--odd')
})

t.test('config — a scalar flag given twice is an error — a list grows', async t => {
  t.strictSame(errorsOf([...needed, '--master', 'n']), ['--master: given more than once'])
  t.strictSame(
    configOf(t, [...needed, '--sentinels', 's2:7', '--sentinels=s1']).sentinels,
    [
      { host: 's1', port: 26379 },
      { host: 's2', port: 7 },
    ],
    'and the same address counts once',
  )
})

t.test('config — rules between options are checked — and name both sides', async t => {
  t.strictSame(errorsOf([...needed, '--retry-backoff-min', '2s']), [
    '--retry-backoff-min must not be more than --retry-backoff-max ' +
      '(got 2s from --retry-backoff-min and the default 1s of --retry-backoff-max)',
  ])
  t.strictSame(errorsOf([...needed, '--max-session-held-bytes', '2mb'], { HOLDFAST_MAX_HELD_BYTES: '1mb' }), [
    '--max-session-held-bytes must not be more than --max-held-bytes ' +
      '(got 2mb from --max-session-held-bytes and 1mb from HOLDFAST_MAX_HELD_BYTES (environment))',
  ])
  t.strictSame(errorsOf([...needed, '--redis-username', 'app']), [
    '--redis-username needs --redis-password or --redis-password-file (got app from --redis-username and no --redis-password)',
  ])
  t.strictSame(errorsOf([...needed, '--sentinel-username', 'w']), [
    '--sentinel-username needs --sentinel-password or --sentinel-password-file ' +
      '(got w from --sentinel-username and no --sentinel-password)',
  ])
  t.match(errorsOf(['--sentinels', '127.0.0.1:7', '--listen', '7', '--master', 'm'])[0], /^--listen must not be/)
})

t.test('config — a rule is not reported — where one of its sides is wrong already', async t => {
  t.strictSame(errorsOf([...needed, '--retry-backoff-min', '2s', '--retry-backoff-max', 'x']), [
    '--retry-backoff-max: got "x", expected a time from 1ms to 10m, such as 250ms, 5s or 2m',
  ])
})

t.test('config — a secret stands in no error — however it was mistyped', async t => {
  const mistakes: [string[], Record<string, string>?][] = [
    [['--redis-password', 'hunter2', '--redis-password', 'hunter2']],
    [['--redis-pasword', 'hunter2']],
    [['--redis-pasword=hunter2']],
    [['--redis-password:hunter2']],
    [['--redis-passwordhunter2']],
    [['-phunter2']],
    [['--redis-password', 'two', 'hunter2']],
    [['--redis-password', '--hunter2']],
    [['hunter2']],
    [['--', 'hunter2']],
    [['--redis-password', 'hunter2', '--redis-password-file', '/nowhere']],
    [['--listen', 'redis://user:hunter2@host']],
    [['--sentinels', 'a,:hunter2@b:26379']],
    [[], { HOLDFAST_REDIS_PASWORD: 'hunter2' }],
    [[], { HOLDFAST_REDIS_PASSWORD: 'hunter2', HOLDFAST_REDIS_PASSWORD_FILE: '/nowhere' }],
    [['--redis-username', 'u', '--max-retries', 'x'], { HOLDFAST_REDIS_PASSWORD: 'hunter2' }],
  ]
  for (const [argv, env] of mistakes) {
    const errors = errorsOf(argv, env)
    t.notMatch(errors.join('\n'), /hunter|unter2/, `${JSON.stringify([argv, env])}: ${errors[0]}`)
  }
})

t.test('config — an empty password is an error — as it is an accident of whoever filled the variable', async t => {
  t.strictSame(errorsOf(needed, { HOLDFAST_REDIS_PASSWORD: '' }), [
    'HOLDFAST_REDIS_PASSWORD (environment): got nothing, expected a password, or the option left out where there is none',
  ])
})

t.test('printableConfig — shows everything but the passwords', async t => {
  const config = configOf(t, needed, { HOLDFAST_REDIS_PASSWORD: 'hunter2' })
  const printable = printableConfig(config)
  t.notMatch(JSON.stringify(printable), 'hunter2')
  t.match(printable, { redisPassword: '[secret]', sentinelPassword: null, sentinels: ['s1:26379'], masterName: 'm' })
  t.strictSame(Object.keys(printable).toSorted(), Object.keys(config).toSorted())
})

t.test('help — is answered whatever else stands there — with every option, variable and default', async t => {
  const read = readConfig(['--bogus', '-h'], { HOLDFAST_REDIS_PASSWORD: 'hunter2', HOLDFAST_MASTER: 'of-mine' })
  if (read.kind !== 'help') throw new Error(`no help: ${read.kind}`)
  t.notMatch(read.text, /hunter2|of-mine/)
  for (const name of ['sentinels', 'listen', 'redis-password', 'redis-password-file', 'shutdown-grace', 'config']) {
    t.match(read.text, `--${name} `)
    t.match(read.text, `HOLDFAST_${name.toUpperCase().replaceAll('-', '_')}]`)
  }
  t.match(
    read.text,
    /--hold-timeout TIME\n.*\n +\[default: 60s \| time: ms, s, m, h; bare = ms \(from 100 on\) \| HOLDFAST_HOLD_TIMEOUT\]/,
  )
})

t.test('version — is asked for by either form — and the first question counts', async t => {
  t.strictSame(readConfig(['--version'], {}), { kind: 'version' })
  t.strictSame(readConfig(['-v', '--help'], {}), { kind: 'version' })
})

t.test('help and table — name exactly the options that can be given', async t => {
  const read = readConfig(['--help'], {})
  const flags = (text: string) => [...text.matchAll(/(?:^ {2}|^\| `)(--[a-z-]+) /gm)].map(match => match[1] ?? '')
  const shown = flags(read.kind === 'help' ? read.text : '')
  t.equal(new Set(shown).size, shown.length)
  t.strictSame(flags(helpTable(options)), shown)
  for (const flag of shown) t.notMatch(errorsOf([`${flag}=`]).join('\n'), /no such option/)
})

t.test('the configuration in the log — has no secret — whatever options are secrets', async t => {
  const secrets = Object.entries(options).filter(([, { secret }]) => secret)
  t.ok(secrets.length >= 3)
  const argv = secrets.flatMap(([name]) => [`--${name}`, `distinct-${name}`])
  const config = configOf(t, [...needed, ...argv])
  const shown = JSON.stringify(printableConfig(config))
  t.notMatch(shown, 'distinct-')
  t.equal(shown.match(/\[secret\]/g)?.length, secrets.length)
  t.match(JSON.stringify(config), 'distinct-redis-password')
})

t.test('config — a read split that cannot be — is one error each', async t => {
  const split = [...needed, '--read-split', 'on'] as const
  t.equal(configOf(t, split).readSplit, true)
  t.equal(configOf(t, needed, { HOLDFAST_READ_SPLIT: 'on' }).readSplit, true)
  const [committed = '', ...more] = errorsOf([...split, '--ack', 'replicated', '--reads', 'committed'])
  t.match(committed, '--read-split needs --reads plain')
  t.strictSame(more, [])
  const [own = '', ...others] = errorsOf([...split, '--links', 'private'])
  t.match(own, '--read-split needs --links auto')
  t.strictSame(others, [])
})
