// open-loop.ts: commands at a fixed rate, whether or not the replies keep up, as independent users would send them.
//
// The timetable has one slot a millisecond. A latency counts from the slot a command was due in, not from when it
// could be sent, so a stall of the target lengthens every command that fell due in it (no coordinated omission). What
// the generator itself was late by is measured too and given as `extra`: no latency can be trusted below it.

import { setTimeout as delay } from 'node:timers/promises'
import { type Client, encode, openClient } from './client.ts'
import { startMetronome } from './metronome.ts'
import { type LoadResult, summarize } from './sample.ts'

export interface OpenLoop {
  port: number
  connections: number
  ratePerSecond: number
  seconds: number
  argv: readonly string[]
}

interface Lane {
  client: Client
  due: number[]
  answered: number
}

const lastReplyWithinMs = 2_000

/**
 * Rejects when a connection is lost or an error reply comes; a command never answered counts as waiting till the end.
 */
export async function runOpenLoop(load: OpenLoop): Promise<LoadResult> {
  const total = Math.floor(load.ratePerSecond * load.seconds)
  const latencies = new Float64Array(total)
  const lateness = new Float64Array(total)
  const bytes = encode(load.argv)
  const failure = Promise.withResolvers<never>()
  failure.promise.catch(() => {})
  let answered = 0
  const lanes = await openLanes(load, failure.reject, (lane, now) => {
    latencies[answered++] = now - (lane.due[lane.answered++] ?? now)
  })
  let startedAt = Number.POSITIVE_INFINITY
  let sent = 0

  function sendDue(): void {
    const slots = Math.floor(performance.now() - startedAt)
    const dueByNow = Math.min(total, Math.floor((slots * load.ratePerSecond) / 1_000))
    for (; sent < dueByNow; sent++) {
      const due = startedAt + Math.ceil(((sent + 1) * 1_000) / load.ratePerSecond)
      const lane = lanes[sent % lanes.length]
      if (lane === undefined) return
      lateness[sent] = performance.now() - due
      lane.due.push(due)
      lane.client.write(bytes)
    }
  }

  async function finish(): Promise<void> {
    const deadline = startedAt + load.seconds * 1_000 + lastReplyWithinMs
    while (answered < total && performance.now() < deadline) await delay(5)
  }

  const metronome = await startMetronome(sendDue)
  startedAt = metronome.startedAt
  try {
    await Promise.race([finish(), failure.promise])
    const endedAt = performance.now()
    const commands = answered
    for (const lane of lanes) {
      for (const due of lane.due.slice(lane.answered)) latencies[answered++] = endedAt - due
    }
    const seconds = (endedAt - startedAt) / 1_000
    const extra = { label: 'generator late', latencyMs: summarize(lateness) }
    return { commands, seconds, opsPerSecond: commands / seconds, latencyMs: summarize(latencies), extra }
  } finally {
    await metronome.stop()
    for (const lane of lanes) lane.client.close()
  }
}

async function openLanes(load: OpenLoop, fail: (why: Error) => void, onAnswer: (lane: Lane, now: number) => void) {
  const lanes: Lane[] = []
  for (let n = 0; n < load.connections; n++) {
    let lane: Lane | undefined
    const onReply = (reply: unknown, isError: boolean): void => {
      if (isError) fail(new Error(`error reply: ${String(reply)}`))
      else if (lane !== undefined) onAnswer(lane, performance.now())
    }
    lane = { client: await openClient(load.port, onReply, fail), due: [], answered: 0 }
    lanes.push(lane)
  }
  return lanes
}
