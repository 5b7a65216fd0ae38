// repeat-cases.ts: commands with the class that their arguments give them. Used twice: refine.test.ts asks the rules,
// repeat.test.ts runs each one twice on real servers and compares replies and data.

import type { ReplayClass } from '../../../src/command/command-spec.ts'
import type { Flavour } from '../../support/servers.ts'

export interface RepeatCase {
  /** Words with single spaces between them, or the arguments themselves where one has spaces. */
  readonly command: string | readonly string[]
  readonly cls: ReplayClass
  /** What is run before, on an empty server; separated by "; ". */
  readonly setup: string
  /** Questions whose answers belong to the state, beyond the keyspace; separated by "; ". */
  readonly look: string
  /** The one server that has the command or the option. */
  readonly only: Flavour | null
  /** `cautious`: the class is worse than what this example shows. `not run`: asked of the rules alone. */
  readonly proof: 'exact' | 'cautious' | 'not run'
}

type Extra = Partial<Omit<RepeatCase, 'command' | 'cls'>>

function is(cls: ReplayClass, command: RepeatCase['command'], extra: Extra = {}): RepeatCase {
  return { command, cls, setup: '', look: '', only: null, proof: 'exact', ...extra }
}

/** 2100 and 1970, in seconds and milliseconds. */
const later = 4102444800
const laterMs = `${later}000`
const library = (name: string) => `#!lua name=${name}\nredis.register_function('${name}', function() return 1 end)`

const strings: RepeatCase[] = [
  is('idempotent', 'SET k v'),
  is('idempotent', 'set k v xx', { setup: 'SET k u' }),
  is('idempotent', 'SET k v XX KEEPTTL', { setup: 'SET k u EX 100' }),
  is('idempotent', 'SET k v EX 100'),
  is('idempotent', 'SET k v PX 100000 XX', { setup: 'SET k u' }),
  is('idempotent', `SET k v EXAT ${later}`),
  is('idempotent', `SET k v PXAT ${laterMs}`),
  is('idempotent', 'SET k NX', { setup: 'SET k u' }),
  is('idempotent', 'SET NX GET'),
  is('state-idempotent', 'SET k v NX'),
  is('state-idempotent', 'SET k v EX 100 nx'),
  is('state-idempotent', 'SET k v GET', { setup: 'SET k u' }),
  is('state-idempotent', 'SET k v IFEQ u', { setup: 'SET k u', only: 'valkey' }),
  is('state-idempotent', 'SET k v FROB', { proof: 'cautious' }),
  is('state-idempotent', 'SET k v EX', { proof: 'cautious' }),
  is('idempotent', 'GETEX k', { setup: 'SET k v', proof: 'cautious' }),
  is('idempotent', 'GETEX k PERSIST', { setup: 'SET k v EX 100' }),
  is('idempotent', 'GETEX k EX 100', { setup: 'SET k v' }),
  is('idempotent', 'GETEX k PX 100000', { setup: 'SET k v' }),
  is('idempotent', `GETEX k EXAT ${later}`, { setup: 'SET k v' }),
  is('idempotent', `GETEX k PXAT ${laterMs}`, { setup: 'SET k v' }),
  is('state-idempotent', 'GETEX k EXAT 1', { setup: 'SET k v' }),
  is('state-idempotent', 'GETEX k PXAT 1000', { setup: 'SET k v' }),
  is('state-idempotent', 'GETEX k EX 0', { setup: 'SET k v', proof: 'cautious' }),
  is('read', 'BITFIELD k GET u8 0 OVERFLOW FAIL GET u4 8', { setup: 'SET k abc' }),
  is('state-idempotent', 'BITFIELD k SET u8 0 65 GET u8 0', { setup: 'SET k xyz' }),
  is('non-idempotent', 'BITFIELD k GET u8 0 INCRBY u8 0 1'),
  is('non-idempotent', 'BITFIELD k FROB u8 0', { proof: 'cautious' }),
  is('idempotent', 'BITOP NOT d a', { setup: 'SET a abc' }),
  is('idempotent', 'BITOP XOR d a b', { setup: 'SET a abc; SET b xyz' }),
  is('non-idempotent', 'BITOP and d d a', { setup: 'SET d abc; SET a xyz', proof: 'cautious' }),
  is('non-idempotent', 'BITOP OR d d a', { setup: 'SET d abc; SET a xyz', proof: 'cautious' }),
  is('non-idempotent', 'BITOP XOR d a d', { setup: 'SET d abc; SET a xyz' }),
  is('non-idempotent', 'BITOP NOT d d', { setup: 'SET d abc' }),
  is('non-idempotent', 'INCR k'),
  is('non-idempotent', 'APPEND k v'),
  is('idempotent', 'MSET a 1 b 2'),
  is('read', 'GET k', { setup: 'SET k v' }),
]

const keys: RepeatCase[] = [
  is('idempotent', 'EXPIRE k 100', { setup: 'SET k v' }),
  is('idempotent', 'EXPIRE k 100 XX', { setup: 'SET k v EX 50', proof: 'cautious' }),
  is('idempotent', 'PEXPIRE k 100000', { setup: 'SET k v' }),
  is('idempotent', `EXPIREAT k ${later}`, { setup: 'SET k v' }),
  is('idempotent', `PEXPIREAT k ${laterMs}`, { setup: 'SET k v' }),
  is('state-idempotent', 'EXPIRE k 100 NX', { setup: 'SET k v' }),
  // A relative time is later a millisecond later, and the clock decides whether GT holds again: only absolute ones run.
  is('state-idempotent', 'EXPIRE k 100 GT', { proof: 'not run' }),
  is('state-idempotent', 'EXPIRE k 100 XX GT', { proof: 'not run' }),
  is('state-idempotent', `EXPIREAT k ${later} GT`, { setup: 'SET k v EX 50' }),
  is('state-idempotent', `EXPIREAT k ${later} XX GT`, { setup: 'SET k v EX 50' }),
  is('state-idempotent', `EXPIREAT k ${later} LT`, { setup: 'SET k v' }),
  is('state-idempotent', 'EXPIRE k 0', { setup: 'SET k v' }),
  is('state-idempotent', 'PEXPIRE k -5', { setup: 'SET k v' }),
  is('state-idempotent', 'EXPIREAT k 1000', { setup: 'SET k v' }),
  is('state-idempotent', 'PEXPIREAT k 1000', { setup: 'SET k v' }),
  is('state-idempotent', 'EXPIRE k soon', { setup: 'SET k v', proof: 'cautious' }),
  is('state-idempotent', 'DEL k', { setup: 'SET k v' }),
  is('idempotent', 'RENAME k k', { setup: 'SET k v', proof: 'cautious' }),
  is('state-idempotent', 'RENAME k l', { setup: 'SET k v' }),
  is('idempotent', 'COPY a b REPLACE', { setup: 'SET a 1; SET b 2' }),
  is('idempotent', 'COPY a b DB 1 REPLACE', { setup: 'SET a 1' }),
  is('state-idempotent', 'COPY a b', { setup: 'SET a 1' }),
  is('state-idempotent', 'COPY a REPLACE', { setup: 'SET a 1' }),
  is('idempotent', 'RESTORE k 0 payload REPLACE', { proof: 'not run' }),
  is('idempotent', 'RESTORE k 0 payload ABSTTL IDLETIME 5 REPLACE', { proof: 'not run' }),
  is('idempotent', 'RESTORE-ASKING k 0 payload REPLACE', { proof: 'not run' }),
  is('state-idempotent', 'RESTORE k 0 payload', { proof: 'not run' }),
  is('state-idempotent', 'RESTORE k 0 REPLACE', { proof: 'not run' }),
  is('state-idempotent', 'RESTORE k 0 payload IDLETIME REPLACE', { proof: 'not run' }),
  is('read', 'SORT l', { setup: 'RPUSH l 3 1 2' }),
  is('read', 'SORT l BY nosort GET # LIMIT 0 2 DESC ALPHA', { setup: 'RPUSH l 3 1 2' }),
  is('idempotent', 'SORT l STORE d', { setup: 'RPUSH l 3 1 2' }),
  is('idempotent', 'SORT l BY w_* GET # GET o_*->f STORE d', { setup: 'RPUSH l 3 1 2; SET w_1 9; HSET o_1 f x' }),
  is('non-idempotent', 'SORT l STORE l', { setup: 'RPUSH l 3 1 2', proof: 'cautious' }),
  is('non-idempotent', 'SORT l LIMIT 1 5 STORE l', { setup: 'RPUSH l 3 1 2' }),
  is('non-idempotent', 'SORT l BY nosort GET d* STORE d1', { setup: 'RPUSH l 1; SET d1 x' }),
  is('non-idempotent', 'SORT l BY d*->f STORE d1', { setup: 'RPUSH l 2 1; HSET d1 f 5' }),
  is('non-idempotent', 'SORT l FROB STORE d', { setup: 'RPUSH l 1', proof: 'cautious' }),
]

const lists: RepeatCase[] = [
  is('non-idempotent', 'LTRIM l 0 1', { setup: 'RPUSH l 1 2 3 4 5', proof: 'cautious' }),
  is('non-idempotent', 'LTRIM l -2 -1', { setup: 'RPUSH l 1 2 3 4 5', proof: 'cautious' }),
  is('non-idempotent', 'LTRIM l 0 -1', { setup: 'RPUSH l 1 2 3', proof: 'cautious' }),
  is('non-idempotent', 'LTRIM l 1 -1', { setup: 'RPUSH l 1 2 3 4 5' }),
  is('non-idempotent', 'LTRIM l 0 -2', { setup: 'RPUSH l 1 2 3 4 5' }),
  is('non-idempotent', 'LTRIM l -3 -2', { setup: 'RPUSH l 1 2 3 4 5' }),
  is('state-idempotent', 'LREM l 0 x', { setup: 'RPUSH l x y x y x' }),
  is('non-idempotent', 'LREM l 1 x', { setup: 'RPUSH l x y x y x' }),
  is('non-idempotent', 'LREM l -1 x', { setup: 'RPUSH l x y x y x' }),
  is('non-idempotent', 'LSET l 0 x', { setup: 'RPUSH l 1', proof: 'cautious' }),
  is('non-idempotent', 'LPUSH l x'),
  is('non-idempotent', 'RPOP l', { setup: 'RPUSH l 1 2 3' }),
]

const hashes: RepeatCase[] = [
  is('idempotent', 'HEXPIRE h 100 FIELDS 1 f', { setup: 'HSET h f v', only: 'redis' }),
  is('idempotent', 'HEXPIRE h 100 XX FIELDS 1 f', { setup: 'HSET h f v', only: 'redis', proof: 'cautious' }),
  is('idempotent', 'HPEXPIRE h 100000 FIELDS 1 f', { setup: 'HSET h f v', only: 'redis' }),
  is('idempotent', `HEXPIREAT h ${later} FIELDS 1 f`, { setup: 'HSET h f v', only: 'redis' }),
  is('idempotent', `HPEXPIREAT h ${laterMs} FIELDS 1 f`, { setup: 'HSET h f v', only: 'redis' }),
  is('state-idempotent', 'HEXPIRE h 100 NX FIELDS 1 f', { setup: 'HSET h f v', only: 'redis' }),
  is('state-idempotent', 'HEXPIRE h 0 FIELDS 1 f', { setup: 'HSET h f v', only: 'redis' }),
  is('state-idempotent', 'HEXPIREAT h 1000 FIELDS 1 f', { setup: 'HSET h f v', only: 'redis' }),
  is('state-idempotent', 'HPEXPIREAT h 1000 FIELDS 1 f', { setup: 'HSET h f v', only: 'redis' }),
  is('state-idempotent', 'HEXPIRE h 100 FIELDS 2 f', { setup: 'HSET h f v', only: 'redis', proof: 'cautious' }),
  is('idempotent', 'HGETEX h FIELDS 1 f', { setup: 'HSET h f v', only: 'redis', proof: 'cautious' }),
  is('idempotent', 'HGETEX h PERSIST FIELDS 1 f', { setup: 'HSET h f v', only: 'redis', proof: 'cautious' }),
  is('idempotent', 'HGETEX h EX 100 FIELDS 1 f', { setup: 'HSET h f v', only: 'redis' }),
  is('idempotent', `HGETEX h PXAT ${laterMs} FIELDS 1 f`, { setup: 'HSET h f v', only: 'redis' }),
  is('state-idempotent', 'HGETEX h EXAT 1 FIELDS 1 f', { setup: 'HSET h f v', only: 'redis' }),
  is('idempotent', 'HSETEX h EX 100 FIELDS 1 f v', { only: 'redis' }),
  is('idempotent', 'HSETEX h KEEPTTL FIELDS 2 f v g w', { only: 'redis' }),
  is('idempotent', 'HSETEX h FXX EX 100 FIELDS 1 f v', { setup: 'HSET h f u', only: 'redis' }),
  is('state-idempotent', 'HSETEX h FNX EX 100 FIELDS 1 f v', { only: 'redis' }),
  is('state-idempotent', 'HSETEX h EXAT 1 FIELDS 1 f v', { setup: 'HSET h f u', only: 'redis', proof: 'cautious' }),
  is('state-idempotent', 'HSETEX h FXX EXAT 1 FIELDS 1 f v', { setup: 'HSET h f u', only: 'redis' }),
  is('state-idempotent', 'HSET h f v'),
  is('non-idempotent', 'HINCRBY h f 1'),
]

const sets: RepeatCase[] = [
  is('idempotent', 'SDIFFSTORE d a b', { setup: 'SADD a 1 2 3; SADD b 2' }),
  is('idempotent', 'SDIFFSTORE d a', { setup: 'SADD a 1 2 3' }),
  is('non-idempotent', 'SDIFFSTORE d d b', { setup: 'SADD d 1 2 3; SADD b 2', proof: 'cautious' }),
  is('non-idempotent', 'SDIFFSTORE d a b d', { setup: 'SADD a 1 2 3; SADD b 2; SADD d 3' }),
  is('non-idempotent', 'SUNIONSTORE d d a', { setup: 'SADD d 1; SADD a 2', proof: 'cautious' }),
  is('idempotent', 'SUNIONSTORE d a b', { setup: 'SADD b 1; SADD a 2' }),
  is('non-idempotent', 'SINTERSTORE d a d', { setup: 'SADD d 1 2; SADD a 2', proof: 'cautious' }),
  is('idempotent', 'SINTERSTORE d a b', { setup: 'SADD b 1 2; SADD a 2' }),
  is('idempotent', 'ZUNIONSTORE d 2 a b WEIGHTS 2 3', { setup: 'ZADD a 1 x; ZADD b 2 x' }),
  is('idempotent', 'ZUNIONSTORE d 1 a WEIGHTS 2', { setup: 'ZADD a 1 x' }),
  is('non-idempotent', 'ZUNIONSTORE d 2 a d', { setup: 'ZADD a 1 x; ZADD d 2 x' }),
  is('idempotent', 'ZINTERSTORE d 2 a b', { setup: 'ZADD a 1 x; ZADD b 2 x' }),
  is('non-idempotent', 'ZINTERSTORE d 2 a d', { setup: 'ZADD a 1 x; ZADD d 2 x' }),
  is('idempotent', 'ZDIFFSTORE d 2 a b', { setup: 'ZADD a 1 x 2 y; ZADD b 2 x' }),
  is('non-idempotent', 'ZDIFFSTORE d 2 a d', { setup: 'ZADD a 1 x 2 y; ZADD d 2 x' }),
  is('non-idempotent', 'ZUNIONSTORE d two a b', { proof: 'cautious' }),
  is('idempotent', 'ZRANGESTORE d a 0 1', { setup: 'ZADD a 1 x 2 y 3 z' }),
  is('non-idempotent', 'ZRANGESTORE a a 1 -1', { setup: 'ZADD a 1 x 2 y 3 z' }),
  is('state-idempotent', 'ZADD z 1 x'),
  is('state-idempotent', 'ZADD z NX 1 x'),
  is('state-idempotent', 'ZADD z GT CH 5 x', { setup: 'ZADD z 1 x' }),
  is('state-idempotent', 'ZADD z XX CH 5 x', { setup: 'ZADD z 1 x' }),
  is('idempotent', 'ZADD z XX 5 x', { setup: 'ZADD z 1 x' }),
  is('idempotent', 'ZADD z XX GT 5 x', { setup: 'ZADD z 1 x' }),
  is('non-idempotent', 'ZADD z INCR 5 x'),
  is('non-idempotent', 'ZADD z XX incr 5 x', { setup: 'ZADD z 1 x' }),
  is('state-idempotent', 'ZADD z 5 INCR'),
  is('non-idempotent', 'ZADD z FROB 5 x', { proof: 'cautious' }),
  is('state-idempotent', 'ZREMRANGEBYRANK z 0 -1', { setup: 'ZADD z 1 x 2 y' }),
  is('non-idempotent', 'ZREMRANGEBYRANK z 0 0', { setup: 'ZADD z 1 x 2 y' }),
]

const geo: RepeatCase[] = [
  is('state-idempotent', 'GEOADD g 13.3 38.1 a'),
  is('state-idempotent', 'GEOADD g XX CH 13.4 38.1 a', { setup: 'GEOADD g 13.3 38.1 a' }),
  is('idempotent', 'GEOADD g XX 13.4 38.1 a', { setup: 'GEOADD g 13.3 38.1 a' }),
  is('read', 'GEORADIUS g 13 38 200 km WITHDIST COUNT 5 ANY ASC', { setup: 'GEOADD g 13.3 38.1 a' }),
  is('idempotent', 'GEORADIUS g 13 38 200 km STORE d', { setup: 'GEOADD g 13.3 38.1 a' }),
  is('non-idempotent', 'GEORADIUS g 13 38 200 km STOREDIST g', { setup: 'GEOADD g 13.3 38.1 a' }),
  is('read', 'GEORADIUSBYMEMBER STORE STORE 200 km', { setup: 'GEOADD STORE 13.3 38.1 STORE' }),
  is('idempotent', 'GEORADIUSBYMEMBER g a 200 km COUNT 5 STOREDIST d', { setup: 'GEOADD g 13.3 38.1 a' }),
  is('non-idempotent', 'GEORADIUSBYMEMBER g a 200 km STORE g', { setup: 'GEOADD g 13.3 38.1 a', proof: 'cautious' }),
  is('idempotent', 'GEOSEARCHSTORE d g FROMLONLAT 13 38 BYRADIUS 200 km', { setup: 'GEOADD g 13.3 38.1 a' }),
  is('non-idempotent', 'GEOSEARCHSTORE g g FROMLONLAT 13 38 BYRADIUS 200 km STOREDIST', {
    setup: 'GEOADD g 13.3 38.1 a',
  }),
]

const groupOfOne = 'XADD s 1-1 f v; XADD s 1-2 f v; XGROUP CREATE s g 0'
const streams: RepeatCase[] = [
  is('state-idempotent', 'XADD s 5-1 f v'),
  is('state-idempotent', 'XADD s 5 f v'),
  is('state-idempotent', 'XADD s 18446744073709551615-18446744073709551615 f v'),
  is('state-idempotent', 'XADD s NOMKSTREAM MAXLEN ~ 1000 LIMIT 10 5-1 f v', { setup: 'XADD s 1-1 f v' }),
  is('state-idempotent', 'XADD s MINID 2 5-1 f v', { setup: 'XADD s 1-1 f v' }),
  is('non-idempotent', 'XADD s * f v'),
  is('non-idempotent', 'XADD s 5-* f v'),
  is('non-idempotent', 'XADD s MAXLEN = 10 * 5-1 v'),
  is('state-idempotent', 'XTRIM s MAXLEN 1', { setup: 'XADD s 1 f v; XADD s 2 f v; XADD s 3 f v' }),
  is('state-idempotent', 'XTRIM s MINID = 3', { setup: 'XADD s 1 f v; XADD s 2 f v; XADD s 3 f v' }),
  is('non-idempotent', 'XTRIM s MAXLEN ~ 1 LIMIT 1', { setup: 'XADD s 1 f v; XADD s 2 f v', proof: 'cautious' }),
  is('read', 'XREAD COUNT 5 STREAMS s 0', { setup: 'XADD s 1-1 f v' }),
  is('read', 'XREAD STREAMS BLOCK $', { setup: 'XADD BLOCK 1-1 f v' }),
  is('read', 'XREAD BLOCK 10 STREAMS s 0-0', { setup: 'XADD s 1-1 f v' }),
  is('blocking', 'XREAD BLOCK 10 STREAMS s $', { proof: 'not run' }),
  is('blocking', 'XREAD COUNT 1 BLOCK 0 STREAMS s t 0 $', { proof: 'not run' }),
  is('non-idempotent', 'XREADGROUP GROUP g c COUNT 1 STREAMS s >', { setup: groupOfOne, look: 'XPENDING s g' }),
  is('non-idempotent', 'XREADGROUP GROUP g BLOCK COUNT 1 STREAMS s >', { setup: groupOfOne, look: 'XPENDING s g' }),
  is('read', 'XREADGROUP GROUP g c STREAMS s 0', {
    setup: `${groupOfOne}; XREADGROUP GROUP g c STREAMS s >`,
    look: 'XPENDING s g',
  }),
  is('non-idempotent', 'XREADGROUP GROUP g c NOACK STREAMS s t 0 >', { proof: 'not run' }),
  is('blocking', 'XREADGROUP GROUP g c BLOCK 10 STREAMS s >', { proof: 'not run' }),
]

const scripts: RepeatCase[] = [
  is('read', ['EVAL', "#!lua flags=no-writes\nreturn redis.call('GET', 'k')", '0'], { setup: 'SET k v' }),
  is('read', ['EVAL', "#!lua flags=allow-stale,no-writes\nreturn redis.call('GET', 'k')", '0'], { setup: 'SET k v' }),
  is('read', ['EVAL', "#!lua flags=no-writes\nreturn redis.call('INCR', 'k')", '0']),
  is('non-idempotent', ['EVAL', "#!lua flags=allow-stale\nreturn redis.call('INCR', 'k')", '0']),
  is('non-idempotent', ['EVAL', "#!lua\n-- flags=no-writes\nreturn redis.call('INCR', 'k')", '0']),
  is('non-idempotent', ['EVAL', "return redis.call('INCR', 'k')", '0']),
  is('read', ['EVAL_RO', "return redis.call('GET', 'k')", '0'], { setup: 'SET k v' }),
  is('read', 'EVALSHA_RO ffffffffffffffffffffffffffffffffffffffff 0'),
  is('read', 'FCALL_RO nosuch 0'),
  is('non-idempotent', 'EVALSHA ffffffffffffffffffffffffffffffffffffffff 0', { proof: 'cautious' }),
  is('non-idempotent', 'FCALL nosuch 0', { proof: 'cautious' }),
  is('state-idempotent', ['FUNCTION', 'LOAD', library('one')], { look: 'FUNCTION LIST' }),
  is('idempotent', ['FUNCTION', 'LOAD', 'REPLACE', library('one')], { look: 'FUNCTION LIST' }),
  is('state-idempotent', 'FUNCTION RESTORE payload', { proof: 'not run' }),
  is('state-idempotent', 'FUNCTION RESTORE payload APPEND', { proof: 'not run' }),
  is('state-idempotent', 'FUNCTION RESTORE payload flush', { proof: 'not run' }),
  is('idempotent', 'function restore payload REPLACE', { proof: 'not run' }),
]

const others: RepeatCase[] = [
  is('read', 'CONFIG GET maxmemory'),
  is('admin', 'CONFIG SET maxmemory 0', { proof: 'not run' }),
  is('non-idempotent', 'CONFIG FROB', { proof: 'cautious' }),
  is('non-idempotent', 'XGROUP FROB s g', { proof: 'cautious' }),
  is('non-idempotent', 'XGROUP SETID s g $', { setup: groupOfOne, proof: 'cautious' }),
  is('non-idempotent', 'FLUSHALL', { setup: 'SET k v', proof: 'cautious' }),
  is('non-idempotent', 'FLUSHDB ASYNC', { setup: 'SET k v', proof: 'cautious' }),
  is('non-idempotent', 'FUNCTION FLUSH', { proof: 'cautious' }),
  is('non-idempotent', 'SCRIPT FLUSH', { proof: 'cautious' }),
  is('state-idempotent', 'XGROUP CREATE s g $ MKSTREAM'),
  is('connection', 'CLIENT SETNAME me', { proof: 'not run' }),
  is('read', 'CLIENT ID', { proof: 'not run' }),
  is('admin', 'CLIENT KILL ID 5', { proof: 'not run' }),
  is('forbidden', 'SCRIPT DEBUG YES', { proof: 'not run' }),
  is('non-idempotent', 'CONFIG', { proof: 'cautious' }),
  is('connection', 'MULTI', { proof: 'not run' }),
  is('connection', 'DISCARD', { proof: 'not run' }),
  is('connection', 'WATCH k', { proof: 'not run' }),
  is('connection', 'SELECT 1', { proof: 'not run' }),
  is('connection', 'SUBSCRIBE c', { proof: 'not run' }),
  is('non-idempotent', 'EXEC', { proof: 'not run' }),
  is('non-idempotent', 'PUBLISH c m', { proof: 'not run' }),
  is('blocking', 'BLPOP l 0', { proof: 'not run' }),
  is('blocking', 'WAIT 1 0', { proof: 'not run' }),
  is('forbidden', 'SHUTDOWN', { proof: 'not run' }),
  is('non-idempotent', 'FROB.ADD k v', { proof: 'cautious' }),
]

export const repeatCases: readonly RepeatCase[] = [
  ...strings,
  ...keys,
  ...lists,
  ...hashes,
  ...sets,
  ...geo,
  ...streams,
  ...scripts,
  ...others,
]

export function argumentsOf(command: RepeatCase['command']): string[] {
  return typeof command === 'string' ? command.split(' ') : [...command]
}

export function listOf(commands: string): string[][] {
  return commands === '' ? [] : commands.split('; ').map(command => command.split(' '))
}
