// exercises.ts: libraries whose own suites cannot be had as packages: an exercise of ours, with the real library.
//
// Each prints TAP and asks for failovers in between: `# please: planned` and `# please: killed`.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../../support/source-package.ts'
import { cacheFolder } from '../cache.ts'
import { readTap } from '../results.ts'
import type { Suite } from '../suite.ts'

const folderOfExercises = join(import.meta.dirname, '..', 'exercises')

interface Exercise {
  readonly name: string
  /** What prints the library and its version. */
  readonly library: readonly [string, ...string[]]
  /** The program, to which the exercise's file, host and port are given. */
  readonly program: readonly [string, ...string[]]
  readonly file: string
  /** Before host and port. */
  readonly words?: readonly string[]
}

const exercise = ({ name, library, program, file, words = [] }: Exercise): Suite => ({
  name,
  library: () => {
    const [command, ...words] = library
    return `${run(command, words).trim()} (an exercise of ours)`
  },
  layOut: () => undefined,
  command: (_, { host, port }) => ({ argv: [...program, join(folderOfExercises, file), ...words, host, String(port)] }),
  read: readTap,
  failovers: true,
})

// Debian's own: another one in front of it on the PATH does not know Debian's libraries.
const python = '/usr/bin/python3'

export const redisPy = exercise({
  name: 'redis-py',
  library: [python, '-c', 'import redis; print("redis-py", redis.__version__)'],
  program: [python],
  file: 'redis_py.py',
})

export const redisRb = exercise({
  name: 'redis-rb',
  library: [
    'ruby',
    '-e',
    'require "redis"; require "redis_client"; puts "redis-rb #{Redis::VERSION} and redis-client #{RedisClient::VERSION}"',
  ],
  program: ['ruby'],
  file: 'redis_rb.rb',
})

/** Packages of this checkout, by `packed` as package.json names them, with the Node that runs this. */
const ofNode = (name: string, packed: string, file: string, words: readonly string[] = []): Suite => {
  const version = `const { version } = require('./node_modules/${packed}/package.json'); console.log('${name}', version)`
  return exercise({ name, library: [process.execPath, '-e', version], program: [process.execPath], file, words })
}

export const ioredis = ofNode('ioredis', 'ioredis', 'ioredis.ts', ['ioredis'])
export const ioredis5 = ofNode('ioredis-5', 'ioredis5', 'ioredis.ts', ['ioredis5'])
export const nodeRedis = ofNode('node-redis', 'redis', 'node_redis.ts')

/** From Maven Central, kept in the cache folder; the source is run as it is. */
const ofJava = (name: string, jar: string, file: string): Suite => {
  const jars = join(cacheFolder, 'jars')
  const pom = join(folderOfExercises, 'pom.xml')
  const one = exercise({ name, library: ['true'], program: ['java', '-cp', join(jars, '*')], file })
  return {
    ...one,
    library: () => `${readdirSync(jars).find(entry => entry.startsWith(jar))} (an exercise of ours)`,
    layOut: () => {
      const words = ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${jars}`]
      run('mvn', words)
    },
  }
}

export const jedis = ofJava('jedis', 'jedis-', 'JedisExercise.java')
export const lettuce = ofJava('lettuce', 'lettuce-core-', 'LettuceExercise.java')
