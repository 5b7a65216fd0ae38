// judge-lists.ts: what a queue, a stream and a channel prove about the commands that filled and emptied them. Pure.
//
// Elements are 'e1', 'e2', ... in the order in which one client sent them.
import type { Findings, Policy } from './types.ts'

export interface QueueRecord {
  /** Elements whose RPUSH was acknowledged. */
  readonly acknowledged: readonly string[]
  /** What BLPOP gave, in its order. */
  readonly popped: readonly string[]
  /** What is in the list afterwards. */
  readonly left: readonly string[]
  /** BLPOPs that ended with an error or a lost connection: each may have taken one element. */
  readonly unknownPops: number
  readonly policy: Policy
}

/**
 * An element that is there twice was pushed twice, or its BLPOP was forgotten with the old master. Only `always` pushes
 * twice: else it is an acknowledged BLPOP that was lost.
 */
export function judgeQueue({ acknowledged, popped, left, unknownPops, policy }: QueueRecord): Findings {
  const seen = [...popped, ...left]
  const known = new Set(seen)
  const missing = acknowledged.filter(element => !known.has(element))
  const twice = repeated(seen)
  const lost = missing.slice(unknownPops).map(element => `queue: ${element} is nowhere`)
  if (policy !== 'always')
    return {
      lost: [...lost, ...twice.map(e => `queue: ${e} came back`)],
      doubled: [],
      reordered: outOfTurn('queue', popped),
    }
  return { lost, doubled: twice.map(element => `queue: ${element} twice`), reordered: outOfTurn('queue', popped) }
}

export interface StreamRecord {
  readonly acknowledged: readonly string[]
  /** The stream afterwards. */
  readonly stored: readonly string[]
  /** What the reader was given, in its order. */
  readonly read: readonly string[]
}

export function judgeStream({ acknowledged, stored, read }: StreamRecord): Findings {
  const there = new Set(stored)
  const given = new Set(read)
  return {
    lost: [
      ...acknowledged.filter(element => !there.has(element)).map(element => `stream: ${element} is not stored`),
      ...stored.filter(element => !given.has(element)).map(element => `stream: ${element} was never read`),
    ],
    doubled: repeated(stored).map(element => `stream: ${element} twice`),
    reordered: [...outOfTurn('stream', stored), ...outOfTurn('reader', read)],
  }
}

export interface ChannelRecord {
  /** Messages that the master counted as delivered to every subscriber. */
  readonly delivered: readonly string[]
  /** What one subscriber received, in its order. */
  readonly received: readonly string[]
  readonly subscriber: string
}

export function judgeChannel({ delivered, received, subscriber }: ChannelRecord): Findings {
  const there = new Set(received)
  return {
    lost: delivered.filter(message => !there.has(message)).map(message => `${subscriber}: ${message} did not come`),
    doubled: repeated(received).map(message => `${subscriber}: ${message} twice`),
    reordered: outOfTurn(subscriber, received),
  }
}

function repeated(elements: readonly string[]): string[] {
  const seen = new Set<string>()
  return elements.filter(element => {
    const again = seen.has(element)
    seen.add(element)
    return again
  })
}

/** Elements whose first appearance comes after that of a later one. */
function outOfTurn(where: string, elements: readonly string[]): string[] {
  const found: string[] = []
  let highest = 0
  for (const element of new Set(elements)) {
    const number = Number(element.slice(1))
    if (number < highest) found.push(`${where}: ${element} after e${highest}`)
    highest = Math.max(highest, number)
  }
  return found
}
