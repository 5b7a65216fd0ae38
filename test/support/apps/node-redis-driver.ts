// node-redis-driver.ts: node-redis with RESP 2 or 3, its scripts by defineScript, otherwise nothing but a port and a
// host.
import { createClient, defineScript } from 'redis'
import { type Batch, bumpScript, type ClientDriver, type Part, TroubleList } from './client-driver.ts'

const scripts = {
  bump: defineScript({
    SCRIPT: bumpScript,
    NUMBER_OF_KEYS: 1,
    parseCommand(parser, counter: string, tag: string) {
      parser.pushKey(counter)
      parser.push(tag)
    },
    transformReply: (reply: unknown): [number, string] => reply as [number, string],
  }),
}

const makeClient = (port: number, resp: 2 | 3) =>
  createClient({ socket: { host: '127.0.0.1', port }, RESP: resp, scripts })
type Client = ReturnType<typeof makeClient>

const events = ['error', 'reconnecting', 'end', 'terminated'] as const

/** Answers when the library is connected. */
export async function nodeRedisDriver(resp: 2 | 3, port: number): Promise<ClientDriver> {
  const list = new TroubleList()
  const open: Client[] = []
  const connect = async (name: string, client: Client): Promise<Client> => {
    open.push(client)
    for (const event of events) client.on(event, list.listener(name, event))
    await client.connect()
    return client
  }
  const client = await connect('main', makeClient(port, resp))
  return {
    name: `node-redis/${resp}`,
    troubles: list.troubles,
    set: (key, value) => client.set(key, value),
    get: key => client.get(key),
    incr: key => client.incr(key),
    bump: async (counter, tag) => (await client.bump(counter, tag)) as unknown as [number, string],
    pipeline: batch => parts(batchOf(client, batch).execAsPipeline()),
    transaction: batch => parts(batchOf(client, batch).exec()),
    scan: async pattern => {
      const keys: string[] = []
      for await (const part of client.scanIterator({ MATCH: pattern, COUNT: 40 })) keys.push(...part)
      return keys
    },
    push: (key, value) => client.rPush(key, value),
    publish: (channel, message) => client.publish(channel, message),
    subscribe: async (channel, onMessage) => {
      const subscriber = await connect('subscriber', client.duplicate())
      await subscriber.subscribe(channel, message => onMessage(message))
    },
    reader: async () => {
      const own = await connect('reader', client.duplicate())
      return { pop: async (key, seconds) => (await own.blPop(key, seconds))?.element ?? null }
    },
    close: async () => {
      list.closing()
      for (const one of open) one.destroy()
    },
  }
}

const batchOf = (client: Client, { key, value, counter, scriptCounter }: Batch) =>
  client.multi().set(key, value).get(key).incr(counter).bump(scriptCounter, value)

async function parts(replies: Promise<unknown[]>): Promise<readonly Part[]> {
  return (await replies) as Part[]
}
