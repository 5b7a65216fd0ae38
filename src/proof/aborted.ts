// aborted.ts: EXEC has answered an error, so nothing of its block has run. Why, and what of the block is sent again?
// Pure, but for the requests that it takes apart.
//
//   the node is no master, or not ready yet    all of it, later or elsewhere
//   the marker was refused (memory, rights)    all that was queued, without markers for a while
//   commands were refused                      all that was queued, in a new block
//
// A refused command gets the line that the server has said when it was queued: byte for byte what it would have got by
// itself.
import { Marking } from '../command/marking.ts'
import { type ServerRefusal, serverRefusalOf } from '../relay/refusal-texts.ts'
import { framesOf, part } from '../relay/replay-rule.ts'
import { makeLocal, type Request, wholeBytes } from '../relay/request.ts'

export type Abort =
  | { readonly kind: 'refused'; readonly refusal: ServerRefusal; readonly line: Buffer }
  | { readonly kind: 'marker'; readonly line: Buffer }
  | { readonly kind: 'commands' }
  /** No reason that this code knows: what the link says counts no more. */
  | { readonly kind: 'unforeseen' }

/** `errors`: error lines by the place of what they refused, from 0; `marker`: the place of the marker. */
export function judgeAbort(exec: Buffer, errors: ReadonlyMap<number, Buffer>, marker: number): Abort {
  const line = errors.get(marker) ?? causeOf(exec)
  for (const said of line === null ? errors.values() : [line, ...errors.values()]) {
    const refusal = serverRefusalOf(said)
    if (refusal !== undefined) return { kind: 'refused', refusal, line: said }
  }
  if (line !== null) return { kind: 'marker', line }
  return errors.size > 0 ? { kind: 'commands' } : { kind: 'unforeseen' }
}

const abortedBecause = '-EXECABORT Transaction discarded because of: '

/** An error line of its own, for what EXEC itself was refused for; null: for what was refused before. */
function causeOf(exec: Buffer): Buffer | null {
  const text = exec.toString('latin1', 0, abortedBecause.length)
  if (text === abortedBecause) return Buffer.concat([Buffer.from('-'), exec.subarray(abortedBecause.length)])
  return null
}

const notInside = /inside (a transaction|MULTI)/i

/** A member of the block: what is sent again of it and what has its answer, in their order. */
export function partsOf(member: Request, errorOf: (command: number) => Buffer | undefined): Request[] {
  const parts: Request[] = []
  let fine: Buffer[] = []
  const endRun = (): void => {
    if (fine.length === 0) return
    const run = part(member, Buffer.concat(fine), fine.length)
    run.marking = member.marking
    parts.push(run)
    fine = []
  }
  const frames = framesOf(wholeBytes(member))
  frames.forEach((frame, i) => {
    const error = errorOf(i)
    if (error === undefined) {
      fine.push(frame)
      return
    }
    endRun()
    const refused = part(member, frame, 1)
    if (notInside.test(error.toString('latin1', 0, 128))) refused.marking = Marking.apart
    else makeLocal(refused, error)
    parts.push(refused)
  })
  endRun()
  return parts
}
