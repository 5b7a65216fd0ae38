// ioredis-driver.ts: ioredis 6 (RESP3 by default) and ioredis 5 (RESP2), each with nothing but a port and a host.
import { Redis } from 'ioredis'
import { Redis as Redis5 } from 'ioredis5'
import {
  type Batch,
  type BlockingReader,
  bumpScript,
  type ClientDriver,
  type Part,
  TroubleList,
} from './client-driver.ts'

interface WithBump {
  bump(counter: string, tag: string): Promise<[number, string]>
}

const events = ['error', 'close', 'reconnecting', 'end']

/** Answers when the library says it is ready. */
export async function ioredisDriver(version: 5 | 6, port: number): Promise<ClientDriver> {
  // The commands used here are typed alike in both majors.
  const Client = version === 6 ? Redis : (Redis5 as unknown as typeof Redis)
  const list = new TroubleList()
  const open: Redis[] = []
  const watch = async (name: string, redis: Redis): Promise<Redis> => {
    open.push(redis)
    for (const event of events) redis.on(event, list.listener(name, event))
    await new Promise<void>((resolve, reject) => redis.once('ready', resolve).once('end', reject))
    return redis
  }
  const redis = await watch('main', new Client(port, '127.0.0.1'))
  redis.defineCommand('bump', { numberOfKeys: 1, lua: bumpScript })
  const scripted = redis as Redis & WithBump
  return {
    name: `ioredis${version}`,
    troubles: list.troubles,
    set: (key, value) => redis.set(key, value),
    get: key => redis.get(key),
    incr: key => redis.incr(key),
    bump: (counter, tag) => scripted.bump(counter, tag),
    pipeline: batch => runBatch(redis.pipeline(), batch),
    transaction: batch => runBatch(redis.multi(), batch),
    scan: pattern => scan(redis, pattern),
    push: (key, value) => redis.rpush(key, value),
    publish: (channel, message) => redis.publish(channel, message),
    subscribe: async (channel, onMessage) => {
      const subscriber = await watch('subscriber', redis.duplicate())
      subscriber.on('message', (from: string, message: string) => {
        if (from === channel) onMessage(message)
      })
      await subscriber.subscribe(channel)
    },
    reader: async () => reader(await watch('reader', redis.duplicate())),
    close: async () => {
      list.closing()
      for (const one of open) one.disconnect()
    },
  }
}

async function runBatch(chain: ReturnType<Redis['pipeline']>, batch: Batch): Promise<readonly Part[]> {
  chain.set(batch.key, batch.value).get(batch.key).incr(batch.counter)
  const scripted = chain as unknown as { bump(counter: string, tag: string): unknown }
  scripted.bump(batch.scriptCounter, batch.value)
  const results = await chain.exec()
  if (results === null) throw new Error('EXEC answered nil')
  return results.map(([error, value]) => {
    if (error !== null) throw error
    return value as Part
  })
}

async function scan(redis: Redis, pattern: string): Promise<string[]> {
  const keys: string[] = []
  for await (const part of redis.scanStream({ match: pattern, count: 40 })) keys.push(...(part as string[]))
  return keys
}

function reader(redis: Redis): BlockingReader {
  return {
    pop: async (key, seconds) => {
      const popped = await redis.blpop(key, seconds)
      return popped === null ? null : popped[1]
    },
  }
}
