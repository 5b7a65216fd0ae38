// client.mjs: a client as an application has one: a single Redis, no Sentinel, no retries. Writes a line a second.
//
// Through a failover it must show one late answer and no error. An error is printed, and the exit code is 1.
import { Redis } from 'ioredis'

const { REDIS_URL = 'redis://127.0.0.1:6379' } = process.env
// Everything that would hide a lost connection is off: what is seen is what Holdfast does.
const redis = new Redis(REDIS_URL, {
  retryStrategy: () => null,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
})
redis.on('error', end)
redis.on('end', () => end(new Error('the connection has ended')))

function end(error) {
  say(`ERROR ${error.message}`)
  process.exit(1)
}

function say(text) {
  process.stdout.write(`${new Date().toISOString().slice(11, 23)}  ${text}\n`)
}

process.once('SIGTERM', () => process.exit(0))
process.once('SIGINT', () => process.exit(0))

let next = performance.now()
for (;;) {
  const from = performance.now()
  try {
    const hits = await redis.incr('hits')
    const ms = performance.now() - from
    say(`hits ${hits}  answered in ${ms < 500 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(1)} s  <- was held`}`)
  } catch (error) {
    end(error)
  }
  next = Math.max(next + 1000, performance.now())
  await new Promise(resolve => setTimeout(resolve, Math.max(0, next - performance.now())))
}
