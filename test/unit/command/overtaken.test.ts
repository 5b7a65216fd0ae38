// What counts as repeatable, when another client has written between the first run and the repeat: the repeat takes
// nothing of the other's but the values that the command names itself. Asked of real servers.
import t, { type Test } from 'tap'
import { classifyCommand } from '../../../src/command/classify.ts'
import { type Flavour, findServer } from '../../support/servers.ts'
import { startForTest } from './real-server.ts'
import { argumentsOf, listOf } from './repeat-cases.ts'

interface Overtaken {
  readonly setup: string
  readonly command: string
  /** What another client does, and is told that it did, before the repeat. */
  readonly between: string | readonly string[]
  /** Its answer is the same after the repeat, or the other client has lost what it was told. */
  readonly ask: string
  readonly keeps: boolean
}

const group = 'XADD s 1-1 f v; XGROUP CREATE s g 0'
const delivered = 'XINFO GROUPS s'
const cases: readonly Overtaken[] = [
  { setup: '', command: 'FLUSHALL', between: 'SET other 1', ask: 'GET other', keeps: false },
  { setup: '', command: 'FLUSHALL ASYNC', between: 'SET other 1', ask: 'GET other', keeps: false },
  { setup: '', command: 'FLUSHDB', between: 'SET other 1', ask: 'GET other', keeps: false },
  {
    setup: '',
    command: 'FUNCTION FLUSH',
    between: ['FUNCTION', 'LOAD', "#!lua name=other\nredis.register_function('f', function() return 1 end)"],
    ask: 'FUNCTION LIST',
    keeps: false,
  },
  {
    setup: '',
    command: 'SCRIPT FLUSH',
    between: ['SCRIPT', 'LOAD', 'return 1'],
    ask: 'SCRIPT EXISTS e0e1f9fabfc9d4800c877a703b823ac0578ff8db',
    keeps: false,
  },
  { setup: 'RPUSH l a b c', command: 'LTRIM l 0 1', between: 'RPUSH l other', ask: 'LPOS l other', keeps: false },
  { setup: 'RPUSH l a b c', command: 'LTRIM l -2 -1', between: 'LPUSH l other', ask: 'LPOS l other', keeps: false },
  { setup: 'RPUSH l a b', command: 'LSET l 0 x', between: 'LPUSH l other', ask: 'LPOS l other', keeps: false },
  { setup: 'SADD d 1; SADD a 1', command: 'SINTERSTORE d d a', between: 'SADD d 2', ask: 'SCARD d', keeps: false },
  { setup: 'SADD d 1; SADD a 2', command: 'SDIFFSTORE d d a', between: 'SADD d 2', ask: 'SCARD d', keeps: false },
  { setup: 'SADD d 1; SADD a 2', command: 'SUNIONSTORE d d a', between: 'SREM d 2', ask: 'SCARD d', keeps: false },
  { setup: 'SET d a; SET a a', command: 'BITOP AND d d a', between: 'SETBIT d 7 0', ask: 'GETBIT d 7', keeps: true },
  { setup: 'SET d a; SET a a', command: 'BITOP AND d d a', between: 'SETBIT d 0 1', ask: 'GETBIT d 0', keeps: false },
  { setup: 'SET d a; SET a a', command: 'BITOP OR d d a', between: 'SETBIT d 7 0', ask: 'GETBIT d 7', keeps: false },
  { setup: group, command: 'XGROUP SETID s g $', between: 'XADD s 2-1 f v', ask: delivered, keeps: false },
  {
    setup: group,
    command: 'XGROUP SETID s g 0',
    between: 'XREADGROUP GROUP g c STREAMS s >',
    ask: delivered,
    keeps: false,
  },
  { setup: '', command: 'SET k v', between: 'SET other 1', ask: 'GET other', keeps: true },
  { setup: '', command: 'MSET k v l w', between: 'SET other 1', ask: 'GET other', keeps: true },
  { setup: '', command: 'SETRANGE k 0 abc', between: 'APPEND k other', ask: 'GETRANGE k 3 -1', keeps: true },
  { setup: '', command: 'HMSET h f v', between: 'HSET h other 1', ask: 'HGET h other', keeps: true },
  { setup: 'SADD a 1', command: 'SUNIONSTORE d a', between: 'SADD a 2', ask: 'SCARD a', keeps: true },
  { setup: 'PFADD a 1', command: 'PFMERGE d a', between: 'PFADD d 2', ask: 'PFCOUNT d', keeps: true },
]

async function runAll(t: Test, flavour: Flavour): Promise<void> {
  const client = await startForTest(t, flavour)
  for (const { setup, command, between, ask, keeps } of cases) {
    await client.send('FLUSHALL')
    await client.send('FUNCTION', 'FLUSH')
    for (const preparation of listOf(setup)) await client.send(...preparation)
    await client.send(...argumentsOf(command))
    await client.send(...argumentsOf(between))
    const told = JSON.stringify(await client.send(...argumentsOf(ask)))
    await client.send(...argumentsOf(command))
    const kept = JSON.stringify(await client.send(...argumentsOf(ask))) === told
    t.equal(kept, keeps, `${command} over ${String(between)}: the other's write ${keeps ? 'is kept' : 'is undone'}`)
    const cls = classifyCommand(
      argumentsOf(command).map(arg => Buffer.from(arg)),
      Date.now(),
    )
    if (!kept) t.not(cls, 'idempotent', `${command} is not repeatable`)
  }
}

for (const flavour of ['redis', 'valkey'] as const) {
  const missing = findServer(flavour) ? false : `no ${flavour}-server`
  t.test(`overtaken — a repeat takes nothing of others — on a real ${flavour}-server`, { skip: missing }, t =>
    runAll(t, flavour),
  )
}
