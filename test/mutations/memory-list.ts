// memory-list.ts: known bugs of what makes the data plane fast: memory that is used again, writes that do not wait.
import type { Mutation } from './mutation.ts'

const replies = 'test/wire/reply-memory.test.ts'

export const memoryMutations: readonly Mutation[] = [
  {
    name: 'what a client has not taken is read over',
    file: 'src/relay/lane.ts',
    from: '    return taken\n',
    to: '    return true\n',
    breaks: 'replies are passed on unchanged',
    test: replies,
    shows: /the idle one has its own/,
  },
  {
    name: 'the beginning of a reply is read over',
    file: 'src/upstream/read-buffer.ts',
    from: 'if (part.length <= BYTES / 2) return Buffer.from(part)\n    this.#kept = true\n',
    to: '',
    breaks: 'replies are passed on unchanged',
    test: replies,
    shows: /are whole|has its own/,
  },
  {
    name: 'what the kernel has not taken of a write is written over',
    file: 'src/upstream/write-gather.ts',
    from: ' || writer.left > 0)',
    to: ')',
    breaks: 'commands are passed on unchanged',
    test: 'test/unit/upstream/write-gather.test.ts',
    shows: /is never written over/,
  },
  {
    name: 'a write goes to the handle before what the socket still holds',
    file: 'src/transport/socket-writer.ts',
    from: ' || socket.writableLength > 0 || ',
    to: ' || ',
    breaks: 'replies come in the order of the commands',
    test: 'test/unit/transport/socket-io.test.ts',
    shows: /leaves behind what the socket itself was given/,
  },
  {
    name: 'a chunk lies in the memory of the next read',
    file: 'src/transport/socket-reader.ts',
    from: '  const chunk = Buffer.allocUnsafe(count)\n  memory.copy(chunk, 0, 0, count)\n',
    to: '  const chunk = memory.subarray(0, count)\n',
    breaks: 'commands are passed on unchanged',
    test: 'test/unit/transport/socket-io.test.ts',
    shows: /stay as they were/,
  },
  {
    name: 'a command alone is written although the process has stood still',
    file: 'src/upstream/turn.ts',
    from: 'writeNow(link: FlushableLink): void {\n    this.beforeLinks(performance.now())\n',
    to: 'writeNow(link: FlushableLink): void {\n',
    breaks: 'MajorityOnly',
    test: 'test/wire/lane-standstill.test.ts',
    shows: /from a command that need not wait for others/,
  },
]
