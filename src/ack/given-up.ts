// given-up.ts: what the client of a request is told whose effects were not confirmed in time, command by command.
//
//   it may have written                  UNKNOWN: it has run on the master
//   --reads committed: it shows data     TRYAGAIN: what it has seen may be lost
//   any other                            its own reply
//
// Never: says when (withheld.ts does).
import { errors } from '../errors.ts'
import type { Counters } from '../ops/counters.ts'
import { forgetKept } from '../relay/kept-replies.ts'
import type { SentCommand } from '../relay/replay-rule.ts'
import { failRequest, makeLocal, type Request } from '../relay/request.ts'
import { ReplyScanner } from '../resp/reply-scanner.ts'
import type { Need, Needs } from './needs.ts'

const errorFor = { effect: errors.unacknowledged.reply, sight: errors.unconfirmedRead.reply } as const

/** The request is a reply of our own now. All its replies are here: kept, or it is one of our own already. */
export function giveUp(request: Request, needs: Needs, counters: Counters): void {
  const replies = repliesIn(request.local ?? request.kept?.bytes() ?? null)
  forgetKept(request, counters)
  const commands = request.handler === null ? needs.commandsOf(request) : []
  let told: readonly Need[]
  if (commands.length > 0 && commands.length === replies.length)
    told = commands.map(command => (request.unit ? needInTransaction(command) : needs.ofCommand(command)))
  // It ran behind a refused command. Of a transaction the last reply is that of EXEC.
  else if (request.local !== null)
    told = replies.map((_, i) => (request.unit && i < replies.length - 1 ? 'none' : 'effect'))
  else {
    const isWrite = needs.writes(request)
    if (isWrite) counters.unacknowledged++
    request.expect = request.replies
    failRequest(request, errorFor[isWrite ? 'effect' : 'sight'])
    return
  }
  counters.unacknowledged += told.filter(need => need === 'effect').length
  makeLocal(request, Buffer.concat(replies.map((reply, i) => errorOf(told[i]) ?? reply)))
}

const errorOf = (need: Need | undefined): Buffer | null =>
  need === undefined || need === 'none' ? null : errorFor[need]

/** Of MULTI and what stands behind it nothing has run before EXEC. */
const needInTransaction = ({ spec }: SentCommand): Need => (spec.name === 'exec' ? 'effect' : 'none')

function repliesIn(bytes: Buffer | null): Buffer[] {
  const replies: Buffer[] = []
  if (bytes === null) return replies
  const scanner = new ReplyScanner()
  for (let at = 0, end = 0; at < bytes.length; at = end) {
    end = scanner.next(bytes, at)
    if (end < 0) return []
    replies.push(bytes.subarray(at, end))
  }
  return replies
}
