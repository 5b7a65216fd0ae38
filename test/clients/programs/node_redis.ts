// node_redis.ts HOST PORT VIA PROTOCOL SETTINGS KEY STOP-FILE: node-redis, its client or its Sentinel client.
import { createClient, createSentinel } from 'redis'
import { type Commands, type Given, type Library, work } from './work.ts'

type Redis = ReturnType<typeof createClient>

function library({ host, port, via, protocol, trouble }: Given): Library {
  const open = async (): Promise<Redis> => {
    if (via === 'sentinel') {
      const sentinel = createSentinel({ name: 'mymaster', sentinelRootNodes: [{ host, port }], RESP: protocol })
      // The first topology is no change.
      for (const event of ['error', 'client-error', 'topology-change'] as const)
        if (event !== 'topology-change') sentinel.on(event, trouble(event))
      await sentinel.connect()
      sentinel.on('topology-change', trouble('topology-change'))
      // The commands used here are the same.
      return sentinel as unknown as Redis
    }
    const client = createClient({ socket: { host, port }, RESP: protocol })
    for (const event of ['error', 'reconnecting', 'end', 'terminated'] as const) client.on(event, trouble(event))
    return (await client.connect()) as unknown as Redis
  }
  return {
    commands: async () => commands(await open()),
    subscribe: async (channel, onMessage) => {
      await (await open()).subscribe(channel, message => onMessage(message))
    },
    popper: async () => {
      const client = await open()
      return async (key, seconds) => (await client.blPop(key, seconds))?.element ?? null
    },
  }
}

const commands = (client: Redis): Commands => ({
  set: (key, value) => client.set(key, value),
  get: key => client.get(key),
  push: (key, value) => client.rPush(key, value),
  batch: async (kind, value, from, list) => {
    const chain = client.multi().set(from, value).get(from).rPush(list, value)
    const replies = await (kind === 'pipeline' ? chain.execAsPipeline() : chain.exec())
    return replies[1]
  },
  script: (text, key, argument) => client.eval(text, { keys: [key], arguments: [argument] }),
  publish: (channel, message) => client.publish(channel, message),
})

await work(library, process.argv.slice(2))
