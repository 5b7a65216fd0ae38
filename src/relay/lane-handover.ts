// lane-handover.ts: what of a retired lane goes on with the fresh link at once, instead of waiting for the silent one.
// A session goes when it waits only for reads that stand behind another session's command. A read runs a second time
// without harm, and the silent link's own reply to it is dropped.
//
// Must stay true: a session takes all it has along or stays, so its commands keep their order. A write that was sent is
// never sent elsewhere.
import type { LearnedCommands } from '../command/learned-commands.ts'
import type { Counters } from '../ops/counters.ts'
import type { HoldQueue } from './hold-queue.ts'
import { classOf, framesOf, part } from './replay-rule.ts'
import { createLocal, nobody, type Request, type RequestOwner, wholeBytes } from './request.ts'

interface Going {
  readonly sent: Request[]
  readonly waiting: Request[]
  commands: number
  stays: boolean
}

/** Whoever can leave a lane does, and goes on with `fresh`. Answers how many sessions do. */
export function handOver(
  sent: Iterable<Request>,
  waiting: HoldQueue,
  fresh: { submit(request: Request): void },
  { learned, counters }: { readonly learned: LearnedCommands; readonly counters: Counters },
): number {
  const movable = findMovable(sent, waiting, learned)
  waiting.takeOut(request => movable.has(request.owner), 'drained')
  for (const [owner, going] of movable) {
    owner.follow?.()
    for (const request of going.sent) fresh.submit(takeOver(request, counters))
    for (const request of going.waiting) fresh.submit(request)
  }
  return movable.size
}

/** Sessions that can leave a lane which has sent `sent` and not yet sent `waiting`, with what each takes along. */
export function findMovable(
  sent: Iterable<Request>,
  waiting: Iterable<Request>,
  learned: LearnedCommands,
): Map<RequestOwner, Going> {
  const found = new Map<RequestOwner, Going>()
  const of = (owner: RequestOwner): Going => {
    const going = found.get(owner) ?? { sent: [], waiting: [], commands: 0, stays: owner.follow === undefined }
    found.set(owner, going)
    return going
  }
  let first = true
  for (const request of sent) {
    const going = of(request.owner)
    going.sent.push(request)
    going.commands += request.commands
    // What the node is busy with would make the next link silent too.
    if (first || (request.local === null && !isRead(request, learned))) going.stays = true
    first = false
  }
  for (const request of waiting) {
    const going = of(request.owner)
    going.waiting.push(request)
    going.commands += request.commands
    if (request.sends > 0) going.stays = true
  }
  for (const [owner, going] of found)
    if (going.stays || owner.gone || going.commands !== owner.pending) found.delete(owner)
  return found
}

/** A run of reads. Units keep to their link: they may have been answered in part, and have handlers that know it. */
function isRead(request: Request, learned: LearnedCommands): boolean {
  if (request.unit || request.handler !== null || request.blocking || request.skip > 0) return false
  return classOf(request, Date.now(), learned) === 'read'
}

/** Takes the place of `request`, which has been sent: its unanswered commands, for another link. */
export function takeOver(request: Request, counters: Counters): Request {
  const { owner } = request
  const copy = request.local === null ? unanswered(request) : localAgain(request, request.local)
  const commands = request.commands - copy.commands
  const weight = request.weight - copy.weight
  counters.pendingBytes -= weight
  request.owner = nobody // its session is answered elsewhere
  request.weight = 0
  owner.onAnswered(commands, weight)
  return copy
}

function unanswered(request: Request): Request {
  const frames = framesOf(wholeBytes(request)).slice(request.replies - request.expect)
  const copy = part(request, Buffer.concat(frames), frames.length)
  copy.sends = 0 // It may be refused there: nothing depends on a read that has run before.
  return copy
}

function localAgain(request: Request, reply: Buffer): Request {
  const copy = createLocal(request.owner, reply)
  copy.commands = request.commands
  copy.weight = request.weight
  return copy
}
