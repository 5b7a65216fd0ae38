// ioredis.ts PACKAGE HOST PORT VIA PROTOCOL SETTINGS KEY STOP-FILE: ioredis, or iovalkey, which is made from it.
import type { Redis } from 'ioredis'
import { type Commands, type Given, type Library, work } from './work.ts'

const [packed = '', ...words] = process.argv.slice(2)
type Make = new (options: object) => Redis
const { default: whole, Redis: named } = (await import(packed)) as { default?: Make; Redis?: Make }
const Client = named ?? (whole as Make)

function library({ host, port, via, protocol, trouble }: Given): Library {
  // ioredis 5 and iovalkey have no RESP3, and leave the option alone.
  const to = via === 'sentinel' ? { sentinels: [{ host, port }], name: 'mymaster' } : { host, port }
  const open = async (): Promise<Redis> => {
    const redis = new Client({ ...to, protocol })
    for (const event of ['error', 'close', 'reconnecting', 'end']) redis.on(event, trouble(event))
    await new Promise(resolve => redis.once('ready', resolve))
    return redis
  }
  return {
    commands: async () => commands(await open()),
    subscribe: async (channel, onMessage) => {
      const redis = await open()
      redis.on('message', (_, message: string) => onMessage(message))
      await redis.subscribe(channel)
    },
    popper: async () => {
      const redis = await open()
      return async (key, seconds) => (await redis.blpop(key, seconds))?.[1] ?? null
    },
  }
}

const commands = (redis: Redis): Commands => ({
  set: (key, value) => redis.set(key, value),
  get: key => redis.get(key),
  push: (key, value) => redis.rpush(key, value),
  batch: async (kind, value, from, list) => {
    const chain = kind === 'pipeline' ? redis.pipeline() : redis.multi()
    const results = await chain.set(from, value).get(from).rpush(list, value).exec()
    for (const [error] of results ?? []) if (error !== null) throw error
    return results?.[1]?.[1]
  },
  script: (text, key, argument) => redis.eval(text, 1, key, argument),
  publish: (channel, message) => redis.publish(channel, message),
})

await work(library, words)
