// glide.mjs HOST PORT VIA PROTOCOL SETTINGS KEY STOP-FILE: valkey-glide.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { work } from './work.ts'

// It lives where `npm run clients` puts it, outside of this checkout.
const [folder, ...words] = process.argv.slice(2)
const { Batch, GlideClient, ProtocolVersion, Script } = createRequire(join(folder, 'of.js'))('@valkey/valkey-glide')

function library({ host, port, protocol, recommended }) {
  const open = more =>
    GlideClient.createClient({
      addresses: [{ host, port }],
      protocol: protocol === 3 ? ProtocolVersion.RESP3 : ProtocolVersion.RESP2,
      ...(recommended ? { requestTimeout: 70_000 } : {}),
      ...more,
    })
  return {
    commands: async () => commands(await open({})),
    subscribe: async (channel, onMessage) => {
      const callback = ({ message }) => onMessage(String(message))
      await open({ pubsubSubscriptions: { channelsAndPatterns: { 0: new Set([channel]) }, callback } })
    },
    popper: async () => {
      const client = await open({})
      // It gives a blocking command half a second more than the command waits, whatever requestTimeout is.
      return async (key, seconds) => (await client.blpop([key], recommended ? 0 : seconds))?.[1] ?? null
    },
  }
}

const scripts = new Map()

const commands = client => ({
  set: (key, value) => client.set(key, value),
  get: key => client.get(key),
  push: (key, value) => client.rpush(key, [value]),
  batch: async (kind, value, from, list) => {
    const batch = new Batch(kind === 'transaction').set(from, value).get(from).rpush(list, [value])
    return (await client.exec(batch, true))?.[1]
  },
  script: (text, key, argument) => {
    if (!scripts.has(text)) scripts.set(text, new Script(text))
    return client.invokeScript(scripts.get(text), { keys: [key], args: [argument] })
  },
  publish: (channel, message) => client.publish(message, channel),
})

await work(library, words)
