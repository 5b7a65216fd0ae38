// small-clients.ts: a process: many clients send small GETs on a fixed timetable, whether or not replies keep up.
//
// A latency counts from the moment the command was due, so a stall counts for all commands that fell due in it. The
// lateness is the generator's own part of it. A command that is never answered counts as waiting till the end.
// Usage: node small-clients.ts NAME=VALUE ..., the names being those of SmallLoad; see generator.ts for the words.

import { startMetronome } from '../load/metronome.ts'
import { percentile } from '../statistics.ts'
import { argumentsOf, fail, finish, listenTo, openSockets } from './generator.ts'
import type { Microseconds, SmallFigures, SmallLoad } from './loads.ts'
import { bulkBytes, countReplies } from './replies.ts'
import { commandOf, connectionOf, createTimetable, dueAt, dueBy } from './timetable.ts'

const shortestBeatMs = 0.5
const lastReplyWithinMs = 2_000

async function run(load: SmallLoad): Promise<void> {
  const table = createTimetable(load.ratePerSecond, load.seconds, load.clients)
  const latency = new Float64Array(table.total)
  const lateness = new Float64Array(table.total)
  const answered = new Uint32Array(load.clients)
  const counters = Array.from({ length: load.clients }, () => ({ have: 0 }))
  const replyBytes = bulkBytes(load.valueBytes)
  const command = Buffer.from(`*2\r\n$3\r\nGET\r\n$${load.key.length}\r\n${load.key}\r\n`)
  let startedAt = Number.POSITIVE_INFINITY
  let sent = 0
  let done = 0

  const sockets = await openSockets(load.port, load.clients, (n, bytes, length) => {
    const counter = counters[n]
    if (counter === undefined) return
    try {
      note(n, countReplies(counter, bytes, length, replyBytes))
    } catch (error) {
      fail(error instanceof Error ? error : new Error(String(error)))
    }
  })

  function note(n: number, replies: number): void {
    const now = performance.now() - startedAt
    for (let k = 0; k < replies; k++) {
      const which = commandOf(table, n, answered[n] ?? 0)
      answered[n] = (answered[n] ?? 0) + 1
      latency[which] = (now - dueAt(table, which)) * 1_000
      done++
    }
  }

  function sendDue(): void {
    const due = dueBy(table, performance.now() - startedAt)
    for (; sent < due; sent++) {
      lateness[sent] = (performance.now() - startedAt - dueAt(table, sent)) * 1_000
      sockets[connectionOf(table, sent)]?.write(command)
    }
  }

  function figures(): SmallFigures {
    const now = performance.now() - startedAt
    for (let n = 0; n < load.clients; n++) {
      for (let k = answered[n] ?? 0; commandOf(table, n, k) < table.total; k++) {
        const which = commandOf(table, n, k)
        latency[which] = (now - dueAt(table, which)) * 1_000
      }
    }
    return { commands: done, unanswered: table.total - done, latency: summary(latency), lateness: summary(lateness) }
  }

  async function begin(): Promise<void> {
    const metronome = await startMetronome(sendDue, Math.max(shortestBeatMs, table.periodMs))
    startedAt = metronome.startedAt
    const endAt = startedAt + load.seconds * 1_000 + lastReplyWithinMs
    const timer = setInterval(() => {
      if (done < table.total && performance.now() < endAt) return
      clearInterval(timer)
      void metronome.stop()
      finish(figures())
    }, 20)
  }

  listenTo({ go: () => void begin() })
}

function summary(values: Float64Array): Microseconds {
  values.sort()
  const at = (fraction: number): number => Math.round(percentile(values, fraction))
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) }
}

const given = argumentsOf(process.argv.slice(2))
await run({
  port: given.number('port'),
  clients: given.number('clients'),
  ratePerSecond: given.number('ratePerSecond'),
  seconds: given.number('seconds'),
  key: given.text('key'),
  valueBytes: given.number('valueBytes'),
})
