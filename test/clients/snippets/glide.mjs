import { GlideClient } from '@valkey/valkey-glide'

const redis = await GlideClient.createClient({
  addresses: [{ host: '127.0.0.1', port: 6379 }],
  requestTimeout: 70_000, // 250 ms by default; a command may wait 60 s
})

await redis.set('greeting', 'hello')
console.log(await redis.get('greeting'))
redis.close()
