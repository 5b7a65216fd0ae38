// large-clients.ts: a process: one client or a few move large values, at a fixed rate or always.
//
// At a rate, commands are sent when they are due, behind those that are not answered yet. It begins at "go" and ends at
// "stop", and says what it has moved in between. Every byte that is sent is made before.
// Usage: node large-clients.ts NAME=VALUE ..., the names being those of LargeLoad; see generator.ts for the words.

import { startMetronome } from '../load/metronome.ts'
import { keyName } from '../load/preload.ts'
import { argumentsOf, fail, finish, listenTo, openSockets } from './generator.ts'
import type { LargeFigures, LargeLoad } from './loads.ts'
import { bulkBytes, countReplies, okBytes } from './replies.ts'
import { connectionOf, createTimetable, dueBy } from './timetable.ts'

const beatMs = 0.5
const longestSeconds = 3_600

async function run(load: LargeLoad): Promise<void> {
  const commands = Array.from({ length: load.keys }, (_, n) => encode(load, keyName(n)))
  const replyBytes = load.command === 'GET' ? bulkBytes(load.valueBytes) : okBytes
  const counters = Array.from({ length: load.clients }, () => ({ have: 0 }))
  let sent = 0
  let done = 0
  let startedAt = Number.POSITIVE_INFINITY

  const sockets = await openSockets(load.port, load.clients, (n, bytes, length) => {
    const counter = counters[n]
    if (counter === undefined) return
    try {
      const replies = countReplies(counter, bytes, length, replyBytes)
      done += replies
      if (load.ratePerSecond === 0) for (let k = 0; k < replies; k++) send(n)
    } catch (error) {
      fail(error instanceof Error ? error : new Error(String(error)))
    }
  })

  function send(n: number): void {
    const bytes = commands[sent++ % commands.length]
    if (bytes !== undefined) sockets[n]?.write(bytes)
  }

  async function begin(): Promise<void> {
    startedAt = performance.now()
    if (load.ratePerSecond === 0) {
      for (let n = 0; n < load.clients; n++) send(n)
      return
    }
    const table = createTimetable(load.ratePerSecond, longestSeconds, load.clients)
    const sendDue = (): void => {
      const due = dueBy(table, performance.now() - startedAt)
      while (sent < due) send(connectionOf(table, sent))
    }
    const metronome = await startMetronome(sendDue, Math.max(beatMs, table.periodMs))
    startedAt = metronome.startedAt
  }

  const end = (): void => {
    const figures: LargeFigures = {
      commands: done,
      seconds: (performance.now() - startedAt) / 1_000,
      underWay: sent - done,
    }
    finish(figures)
  }
  listenTo({ go: () => void begin(), stop: end })
}

function encode(load: LargeLoad, key: string): Buffer {
  const name = `$3\r\n${load.command}\r\n$${key.length}\r\n${key}\r\n`
  if (load.command === 'GET') return Buffer.from(`*2\r\n${name}`)
  const value = Buffer.alloc(load.valueBytes, 'x')
  return Buffer.concat([Buffer.from(`*3\r\n${name}$${load.valueBytes}\r\n`), value, Buffer.from('\r\n')])
}

const given = argumentsOf(process.argv.slice(2))
await run({
  port: given.number('port'),
  command: given.text('command') === 'SET' ? 'SET' : 'GET',
  keys: given.number('keys'),
  valueBytes: given.number('valueBytes'),
  clients: given.number('clients'),
  ratePerSecond: given.number('ratePerSecond'),
})
