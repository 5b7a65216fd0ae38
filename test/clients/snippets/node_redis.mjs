import { createClient, createSentinel } from 'redis'

const redis = createClient({ socket: { host: '127.0.0.1', port: 6379 }, RESP: 3 })
await redis.connect()
// An application that can only be told Sentinels:
const other = createSentinel({ name: 'mymaster', sentinelRootNodes: [{ host: '127.0.0.1', port: 26379 }] })
await other.connect()

await redis.set('greeting', 'hello')
console.log(await other.get('greeting'))
redis.destroy()
await other.destroy()
