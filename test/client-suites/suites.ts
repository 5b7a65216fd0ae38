// suites.ts: all suites, in the order in which they run.
import type { Suite } from './suite.ts'
import { ioredis, ioredis5, jedis, lettuce, nodeRedis, redisPy, redisRb } from './suites/exercises.ts'
import { hiredis } from './suites/hiredis.ts'
import { phpredis, predis } from './suites/php.ts'
import { redigo } from './suites/redigo.ts'

export const suites: readonly Suite[] = [
  hiredis,
  phpredis,
  predis,
  redigo,
  redisPy,
  redisRb,
  jedis,
  lettuce,
  ioredis,
  ioredis5,
  nodeRedis,
]
