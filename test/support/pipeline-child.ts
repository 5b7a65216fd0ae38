// pipeline-child.ts: a blocking client in a process of its own: it writes half of its GETs, says 'half', waits for a
// word, writes the rest, and reads only then. Its last message is a PipelineResult.
//
// Started by fork with: port, prefix of the keys, how many keys, how often all of them are asked for.
import { once } from 'node:events'
import { openSocket, repeated, writeThenRead } from './blocking-client.ts'
import { encodeCommand } from './resp-decoder.ts'

const VALUE_BYTES = 500

/** The value of each key: no two are the same, so that a reply that is missing or in the wrong place is seen. */
export const valueAt = (i: number): string => `${i}:`.padEnd(VALUE_BYTES, 'v')

async function* halves(commands: Buffer, times: number): AsyncGenerator<Buffer> {
  yield* repeated(commands, Math.floor(times / 2))
  const word = once(process, 'message')
  process.send?.('half')
  await word
  yield* repeated(commands, times - Math.floor(times / 2))
}

async function main([port, prefix, keys, times]: readonly string[]): Promise<void> {
  const all = Array.from({ length: Number(keys) }, (_, i) => i)
  const commands = Buffer.concat(all.map(i => encodeCommand(['GET', `${prefix}:${i}`])))
  const reply = Buffer.from(all.map(i => `$${VALUE_BYTES}\r\n${valueAt(i)}\r\n`).join(''))
  const socket = await openSocket({ port: Number(port) })
  const result = await writeThenRead(socket, {
    chunks: halves(commands, Number(times)),
    reply,
    times: Number(times),
  })
  process.send?.(result)
  socket.destroy()
  process.disconnect()
}

if (process.argv[1] === import.meta.filename) await main(process.argv.slice(2))
