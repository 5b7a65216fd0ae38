// clients.ts: the libraries of the matrix, in the order of the table, and what we recommend for each.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { run } from '../support/source-package.ts'
import type { Client, Way } from './client.ts'
import { cFile, cProgram, goFile, goProgram, jarVersion, javaClasses, javaJars, npmFolder, programs } from './places.ts'

const direct2: Way = { via: 'direct', protocol: 2 }
const direct3: Way = { via: 'direct', protocol: 3 }
const sentinel2: Way = { via: 'sentinel', protocol: 2 }
const sentinel3: Way = { via: 'sentinel', protocol: 3 }

const node = process.execPath
// Debian's own: another one in front of it on the PATH does not know Debian's libraries.
const python = '/usr/bin/python3'
const program = (file: string): string => join(programs, file)

const root = join(import.meta.dirname, '..', '..')
const packageIn = (folder: string, packed: string): string => join(folder, 'node_modules', packed)
const npmVersion = (packed: string, folder = root): string =>
  JSON.parse(readFileSync(join(packageIn(folder, packed), 'package.json'), 'utf8')).version

function debianVersion(name: string): string {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a format of dpkg-query.
  const version = run('dpkg-query', ['-W', '-f', '${Version}', name])
  return version.replace(/^\d+:/, '').replace(/[-+].*$/, '')
}

const module = (packed: string): string => createRequire(join(npmFolder(), 'of.js')).resolve(packed)
const java = (name: string): readonly [string, ...string[]] => [
  'java',
  '-Xmx256m',
  '-XX:TieredStopAtLevel=1',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  '-cp',
  javaClasses(),
  name,
]
const javaSnippet = (file: string): readonly [string, ...string[]] => ['java', '-cp', javaJars(), file]

export const clients: readonly Client[] = [
  {
    name: 'ioredis 6',
    language: 'JavaScript',
    version: () => npmVersion('ioredis'),
    program: () => [node, program('ioredis.ts'), 'ioredis'],
    ways: [direct2, direct3, sentinel3],
    recommended: null,
    why: 'It waits for a reply without end. `commandTimeout` and `socketTimeout` stay unset.',
    snippet: {
      file: 'ioredis.mjs',
      start: file => [node, file],
      modules: () => ({ ioredis: packageIn(root, 'ioredis') }),
    },
  },
  {
    name: 'ioredis 5',
    language: 'JavaScript',
    version: () => npmVersion('ioredis5'),
    program: () => [node, program('ioredis.ts'), 'ioredis5'],
    ways: [direct2, sentinel2],
    recommended: null,
    why: 'ioredis 5 takes the same code.',
    snippet: {
      file: 'ioredis.mjs',
      start: file => [node, file],
      modules: () => ({ ioredis: packageIn(root, 'ioredis5') }),
    },
  },
  {
    name: 'node-redis',
    language: 'JavaScript',
    version: () => npmVersion('redis'),
    program: () => [node, program('node_redis.ts')],
    ways: [direct2, direct3, sentinel2, sentinel3],
    recommended: null,
    why: 'It waits for a reply without end. If `socketTimeout` is set, RESP3 lets it be told of holds, and its time-out becomes `maintRelaxedSocketTimeout`.',
    snippet: {
      file: 'node_redis.mjs',
      start: file => [node, file],
      modules: () => ({ redis: packageIn(root, 'redis') }),
    },
  },
  {
    name: 'iovalkey',
    language: 'JavaScript',
    version: () => npmVersion('iovalkey', npmFolder()),
    program: () => [node, program('ioredis.ts'), module('iovalkey')],
    ways: [direct2, sentinel2],
    recommended: null,
    why: 'It waits for a reply without end, as ioredis does.',
    snippet: {
      file: 'iovalkey.mjs',
      start: file => [node, file],
      modules: () => ({ iovalkey: packageIn(npmFolder(), 'iovalkey') }),
    },
  },
  {
    name: 'valkey-glide',
    language: 'JavaScript',
    version: () => npmVersion('@valkey/valkey-glide', npmFolder()),
    program: () => [node, program('glide.mjs'), npmFolder()],
    // Its subscriptions need RESP3.
    ways: [direct3],
    recommended: '`requestTimeout: 70_000`, blocking commands that wait without end',
    why: 'The default is 250 ms; a blocking command gets its own time and 500 ms more, which is less than a failover. Its subscriptions need RESP3. It cannot ask a Sentinel.',
    snippet: {
      file: 'glide.mjs',
      start: file => [node, file],
      modules: () => ({ '@valkey/valkey-glide': packageIn(npmFolder(), '@valkey/valkey-glide') }),
    },
  },
  {
    name: 'redis-py',
    language: 'Python',
    version: () => debianVersion('python3-redis'),
    program: () => [python, program('redis_py.py')],
    ways: [direct2, direct3, sentinel2, sentinel3],
    recommended: '`socket_timeout=None`',
    why: 'Up to version 7 that is the default, from 8 on it is 5 s.',
    snippet: { file: 'redis_py.py', start: file => [python, file] },
  },
  {
    name: 'redis-py asyncio',
    language: 'Python',
    version: () => debianVersion('python3-redis'),
    program: () => [python, program('redis_py_asyncio.py')],
    ways: [direct2, direct3, sentinel2],
    recommended: '`socket_timeout=None`',
    why: 'As redis-py.',
    snippet: { file: 'redis_py_asyncio.py', start: file => [python, file] },
  },
  {
    name: 'redis-rb',
    language: 'Ruby',
    version: () => debianVersion('ruby-redis'),
    program: () => ['ruby', program('redis_rb.rb')],
    ways: [direct2, sentinel2],
    recommended: '`timeout: 70`',
    why: 'The default is 1 s.',
    snippet: { file: 'redis_rb.rb', start: file => ['ruby', file] },
  },
  {
    name: 'redis-client',
    language: 'Ruby',
    version: () => debianVersion('ruby-redis-client'),
    program: () => ['ruby', program('redis_client.rb')],
    ways: [direct2, direct3, sentinel2, sentinel3],
    recommended: '`timeout: 70`',
    why: 'The default is 1 s.',
    snippet: { file: 'redis_client.rb', start: file => ['ruby', file] },
  },
  {
    name: 'phpredis',
    language: 'PHP',
    version: () => debianVersion('php-redis'),
    program: () => ['php', program('phpredis.php')],
    ways: [direct2, sentinel2],
    recommended: '`readTimeout` 70',
    why: "Without it the time-out is PHP's `default_socket_timeout`, 60 s, which races with `--hold-timeout`.",
    snippet: { file: 'phpredis.php', start: file => ['php', file] },
  },
  {
    name: 'predis',
    language: 'PHP',
    version: () => debianVersion('php-predis'),
    program: () => ['php', program('predis.php')],
    ways: [direct2, sentinel2],
    recommended: '`read_write_timeout` 70',
    why: "Without it the time-out is PHP's `default_socket_timeout`, 60 s, which races with `--hold-timeout`.",
    snippet: { file: 'predis.php', start: file => ['php', file] },
  },
  {
    name: 'hiredis',
    language: 'C',
    version: () => debianVersion('libhiredis-dev'),
    program: () => [cProgram(program('hiredis.c'))],
    ways: [direct2, direct3],
    recommended: null,
    why: 'It has no time-out of its own. It cannot ask a Sentinel.',
    snippet: { file: 'hiredis.c', start: (file, folder) => [cFile(file, folder)] },
  },
  {
    name: 'Jedis',
    language: 'Java',
    version: () => jarVersion('jedis'),
    program: () => java('JedisProgram'),
    ways: [direct2, direct3, sentinel2],
    recommended: '`socketTimeoutMillis(70_000)`',
    why: 'The default is 2 s, and a command that is given up ends its connection.',
    snippet: { file: 'JedisSnippet.java', start: javaSnippet },
  },
  {
    name: 'Lettuce',
    language: 'Java',
    version: () => jarVersion('lettuce-core'),
    program: () => java('LettuceProgram'),
    ways: [direct2, direct3, sentinel3],
    recommended: '`withTimeout(70 s)`',
    why: 'The default is 60 s, which races with `--hold-timeout`.',
    snippet: { file: 'LettuceSnippet.java', start: javaSnippet },
  },
  {
    name: 'Redisson',
    language: 'Java',
    version: () => jarVersion('redisson'),
    program: () => java('RedissonProgram'),
    ways: [direct2, direct3, sentinel2],
    recommended:
      '`setTimeout(70_000)`, blocking commands that wait without end; at the Sentinel port `setCheckSentinelsList(false)`, `setReadMode(MASTER)`',
    why: 'The default is 3 s, and what it gives up stays in its connection and runs later. A blocking command gets its own time and 3 s more, whatever is set: then it answers null, as if its time were over, and connects anew. It wants several Sentinels unless it is told otherwise.',
    snippet: { file: 'RedissonSnippet.java', start: javaSnippet },
  },
  {
    name: 'Redis.pm',
    language: 'Perl',
    version: () => debianVersion('libredis-perl'),
    program: () => ['perl', program('perl_redis.pl')],
    ways: [direct2, sentinel2],
    recommended: null,
    why: 'It has no time-out unless `read_timeout` is set.',
    snippet: { file: 'perl_redis.pl', start: file => ['perl', file] },
  },
  {
    name: 'redigo',
    language: 'Go',
    version: () => debianVersion('golang-github-gomodule-redigo-dev'),
    program: () => [goProgram('redigo')],
    ways: [direct2],
    recommended: null,
    why: 'It has no time-out unless `DialReadTimeout` is given. It cannot ask a Sentinel.',
    snippet: { file: 'redigo.go', start: (file, folder) => [goFile(file, folder)] },
  },
  {
    name: 'go-redis 5',
    language: 'Go',
    version: () => debianVersion('golang-gopkg-redis.v5-dev'),
    program: () => [goProgram('goredis')],
    ways: [direct2, sentinel2],
    recommended: '`ReadTimeout: 70 * time.Second`, blocking commands that wait without end',
    why: 'The default is 3 s; a blocking command gets its own time and a second more, which is less than a failover.',
    snippet: { file: 'go_redis.go', start: (file, folder) => [goFile(file, folder)] },
  },
]

/** What we would have here if a distribution or a registry that we use had it. */
export const absent = [
  'go-redis 9: no Debian package',
  'the Rust crate `redis`: no Debian package',
  'StackExchange.Redis: no .NET in Debian',
] as const
