import t from 'tap'
import { Scan, scanMark } from '../../../../src/client/commands/scan.ts'
import { createUnit, type Request } from '../../../../src/relay/request.ts'
import { commandArgs } from '../../../../src/resp/decode.ts'
import { encodeCommand } from '../../../../src/resp/encode.ts'

const ARRAY = 42
function makeScan(cursor: string, mark: () => number): { request: Request; heard: Buffer[] } {
  const heard: Buffer[] = []
  const deliver = (bytes: Buffer): void => void heard.push(bytes)
  const owner = { gone: false, pending: 1, block: null, deliver, onAnswered(): void {}, onBug(): void {} }
  const frame = encodeCommand(['SCAN', cursor, 'COUNT', '10'])
  return { request: createUnit(owner, frame, 1, 1, new Scan(frame, 1, mark)), heard }
}
const cursorOf = (request: Request): string | undefined => commandArgs(request.bytes)[1]?.toString()
const reply = (cursor: string): Buffer => Buffer.from(`*2\r\n$${cursor.length}\r\n${cursor}\r\n*1\r\n$1\r\nk\r\n`)

t.test('SCAN — passes unchanged both ways — before the first change of master', t => {
  const { request, heard } = makeScan('4711', () => 0)
  const before = request.bytes
  request.handler?.onSend?.(request)
  t.equal(request.bytes, before)
  request.handler?.onReply(request, reply('99'), ARRAY)
  t.strictSame(heard, [reply('99')])
  t.end()
})

t.test('SCAN — starts again at 0 — when its cursor is from an earlier master', t => {
  for (const [cursor, mark, sent] of [
    ['4711', 1, '0'],
    [String(4711n + (1n << 48n)), 1, '4711'],
    [String(4711n + (1n << 48n)), 2, '0'],
    ['0', 2, '0'],
  ] as const) {
    const { request } = makeScan(cursor, () => mark)
    request.handler?.onSend?.(request)
    t.equal(cursorOf(request), sent, `${cursor} under mark ${mark}`)
  }
  t.end()
})

t.test('SCAN — is judged again by the master of the moment — when it is sent again', t => {
  let mark = 0
  const { request, heard } = makeScan('4711', () => mark)
  request.handler?.onSend?.(request)
  mark = 1
  request.handler?.onSend?.(request)
  t.equal(cursorOf(request), '0')
  request.handler?.onReply(request, reply('99'), ARRAY)
  t.strictSame(heard, [reply(String(99n + (1n << 48n)))])
  t.end()
})

t.test('cursors — end with 0 and stay exact as doubles — under every mark', t => {
  for (let moves = 1; moves < 70; moves++) {
    const mark = scanMark(moves)
    const { request, heard } = makeScan('0', () => mark)
    request.handler?.onSend?.(request)
    request.handler?.onReply(request, reply('0'), ARRAY)
    request.handler?.onReply(request, reply(String((1n << 48n) - 1n)), ARRAY)
    t.strictSame(heard[0], reply('0'))
    const marked = /\$\d+\r\n(\d+)/.exec(heard[1]?.toString() ?? '')?.[1] ?? ''
    t.ok(Number.isSafeInteger(Number(marked)), `mark ${mark}: ${marked}`)
  }
  t.end()
})
