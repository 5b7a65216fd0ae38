import fc from 'fast-check'
import RedisParser from 'redis-parser'
import t from 'tap'
import { CommandScanner, FrameKind } from '../../../src/resp/command-scanner.ts'
import { commandArgs } from '../../../src/resp/decode.ts'
import { encodeCommand } from '../../../src/resp/encode.ts'
import { cutAt, everyWay, fractions } from './cuts.ts'
import { scanCommands } from './scan-commands.ts'

const bytes = fc.uint8Array({ maxLength: 40 }).map(array => Buffer.from(array))
const args = fc.array(bytes, { minLength: 1, maxLength: 6 })
const commands = fc.array(args, { minLength: 1, maxLength: 6 })
const options = { numRuns: 2000 }

t.test('commands — are found exactly, with their arguments — wherever the stream is cut', async () => {
  fc.assert(
    fc.property(commands, fractions, (list, cuts) => {
      const frames = list.map(encodeCommand)
      const stream = Buffer.concat(frames)
      const { found, error, idle } = scanCommands(cutAt(stream, cuts))
      let from = 0
      const seen = found.map(({ end }) => {
        const frame = stream.subarray(from, end)
        from = end
        return commandArgs(frame)
      })
      const same = seen.length === list.length && seen.every((found, i) => equal(found, list[i] ?? []))
      const counted = found.every(({ kind, argc }, i) => kind === 'command' && argc === list[i]?.length)
      return error === null && idle && same && counted
    }),
    options,
  )
})

t.test('commands — of the same name and as many arguments are taken together — up to the first other one', async () => {
  const name = fc.constantFrom('GET', 'get', 'SET', 'GETX', '', 'ZREVRANGE', 'ZREVRANGEBYSCORE')
  const value = fc.constantFrom('', 'k', 'v'.repeat(9), 'v'.repeat(10), 'v'.repeat(123), '\r\n')
  const command = fc.tuple(name, fc.array(value, { maxLength: 11 })).map(([first, rest]) => [first, ...rest])
  const runs = fc.array(fc.tuple(command, fc.nat({ max: 3 })), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(runs, fc.nat({ max: 5 }), fc.double({ min: 0, max: 1, noNaN: true }), (list, most, cut) => {
      const all = list.flatMap(([words, more]) => Array.from({ length: more + 1 }, () => words))
      const frames = all.map(words => encodeCommand(words.map(word => Buffer.from(word))))
      const chunk = Buffer.concat([...frames, frames[0]?.subarray(0, cut * frames[0].length) ?? Buffer.alloc(0)])
      const scanner = new CommandScanner()
      const first = scanner.next(chunk, 0)
      const [[name = '', ...rest] = []] = all
      const wanted = name.length === 0 || name.length > 9 || rest.length > 8 ? 0 : most
      const other = all.findIndex(words => words[0] !== name || words.length !== rest.length + 1)
      const alike = Math.min(wanted, (other < 0 ? all.length + (cut === 1 ? 1 : 0) : other) - 1)
      const end = scanner.takeAlike(chunk, first, most)
      const lengths = [...frames, frames[0] as Buffer].slice(1, alike + 1).map(({ length }) => length)
      return scanner.taken === alike && end === lengths.reduce((sum, length) => sum + length, first) && scanner.idle
    }),
    options,
  )
})

t.test('commands — are what redis-parser finds — in a valid stream', async () => {
  fc.assert(
    fc.property(commands, fractions, (list, cuts) => {
      const chunks = cutAt(Buffer.concat(list.map(encodeCommand)), cuts)
      const replies: unknown[] = []
      const fail = (error: Error): never => {
        throw error
      }
      const parser = new RedisParser({
        returnBuffers: true,
        returnReply: (reply: unknown) => replies.push(reply),
        returnError: fail,
        returnFatalError: fail,
      })
      for (const chunk of chunks) parser.execute(Buffer.from(chunk))
      const { found } = scanCommands(chunks)
      return found.length === replies.length && replies.every((reply, i) => sizeOf(reply) === found[i]?.argc)
    }),
    options,
  )
})

/** Pieces that headers are made of, so that noise gets past the first byte. */
const piece = fc.oneof(
  fc.constantFrom(
    '*',
    '$',
    '*1\r\n',
    '*2\r\n',
    '$3\r\n',
    '$0\r\n',
    'GET\r\n',
    '\r\n',
    '\r',
    '\n',
    '-1',
    '0',
    '7',
    '\0',
    'PING\r\n',
  ),
  fc.string({ maxLength: 4, unit: 'binary-ascii' }),
)
const noise = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map(array => Buffer.from(array)),
  fc.array(piece, { maxLength: 30 }).map(pieces => Buffer.from(pieces.join(''), 'latin1')),
)

t.test('commands — noise never throws nor loops, and means the same — however it is cut', async () => {
  fc.assert(
    fc.property(noise, fractions, (stream, cuts) => {
      const whole = scanCommands([stream])
      const parts = scanCommands(cutAt(stream, cuts))
      return JSON.stringify(parts) === JSON.stringify(whole) && grows(whole.found.map(({ end }) => end))
    }),
    { numRuns: 5000 },
  )
})

t.test('commands — noise means the same — byte by byte and at every place', async () => {
  fc.assert(
    fc.property(noise, stream => {
      const whole = JSON.stringify(scanCommands([stream]))
      for (const { chunks } of everyWay(stream)) if (JSON.stringify(scanCommands(chunks)) !== whole) return false
      return true
    }),
    { numRuns: 500 },
  )
})

t.test('commands — a scanner in error does not throw nor hang — when it is fed on', async () => {
  fc.assert(
    fc.property(noise, noise, (first, second) => {
      const scanner = new CommandScanner()
      for (const chunk of [first, second]) {
        for (let at = 0; at < chunk.length; ) {
          const end = scanner.next(chunk, at)
          if (end < 0) break
          if (end <= at) return false
          at = end
        }
        if (scanner.kind === FrameKind.error && scanner.error === '') return false
      }
      return true
    }),
    options,
  )
})

function equal(a: readonly Buffer[], b: readonly Buffer[]): boolean {
  return a.length === b.length && a.every((arg, i) => arg.equals(b[i] ?? Buffer.alloc(0)))
}
function sizeOf(reply: unknown): number {
  return Array.isArray(reply) ? reply.length : -1
}
function grows(ends: readonly number[]): boolean {
  return ends.every((end, i) => end > (ends[i - 1] ?? 0))
}
