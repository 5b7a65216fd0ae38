import { Redis } from 'ioredis'

const redis = new Redis({ host: '127.0.0.1', port: 6379 })
// An application that can only be told Sentinels:
const other = new Redis({ sentinels: [{ host: '127.0.0.1', port: 26379 }], name: 'mymaster' })

await redis.set('greeting', 'hello')
console.log(await other.get('greeting'))
redis.disconnect()
other.disconnect()
