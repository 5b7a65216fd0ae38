// history.ts: what clients have asked and been told in one round of the proof. Times are of one process, so that "ended
// before the other began" is certain.
import { RespError, type Value } from '../support/resp-client.ts'

/**
 * `ok`: a reply. `applied`: it took effect, its reply is lost. `not-run`: it had no effect and never will. `unknown`:
 * either. `refused`: the server's own error.
 */
export type Told = 'ok' | 'applied' | 'not-run' | 'unknown' | 'refused' | 'pending'

/**
 * append: RPUSH of an element of its own, answers the length. count: INCR. move: LMOVE of a job. pair: MULTI with INCR
 * and RPUSH, EXEC. read: LRANGE of the whole list.
 */
export type Kind = 'append' | 'count' | 'move' | 'pair' | 'read'

export interface Operation {
  readonly client: string
  readonly kind: Kind
  readonly key: string
  /** What append and pair push. */
  readonly element: string
  readonly begun: number
  ended: number
  told: Told
  value: Value
  message: string
}

export class History {
  readonly operations: Operation[] = []

  begin(client: string, kind: Kind, key: string, element = ''): Operation {
    const operation: Operation = {
      ...{ client, kind, key, element, begun: performance.now() },
      ...{ ended: 0, told: 'pending', value: null, message: '' },
    }
    this.operations.push(operation)
    return operation
  }
}

export function end(operation: Operation, value: Value): void {
  operation.ended = performance.now()
  operation.value = value
  operation.told = value instanceof RespError ? toldBy(value) : 'ok'
  if (value instanceof RespError) operation.message = value.message
}

/** The connection is gone: nobody knows. */
export function lose(operation: Operation, why: string): void {
  operation.ended = performance.now()
  operation.told = 'unknown'
  operation.message = why
}

function toldBy({ code, message }: RespError): Told {
  if (code === 'APPLIED') return 'applied'
  if (message.includes('was not run') || message.includes('nothing was changed')) return 'not-run'
  return code === 'UNKNOWN' || message.includes('may have run') ? 'unknown' : 'refused'
}
