// history.ts: what clients have asked and been told in one round of the proof. Times are of one process, so that "ended
// before the other began" is certain.
import { RespError, type Value } from '../support/resp-client.ts'

/**
 * `ok`: a reply. `applied`: it took effect, its reply is lost. `not-run`: it had no effect and never will. `unknown`:
 * either. `refused`: the server's own error.
 */
export type Told = 'ok' | 'applied' | 'not-run' | 'unknown' | 'refused' | 'pending'

/**
 * append: RPUSH of an element of its own, answers the length. read: LRANGE of the whole list. count: INCR. pair: MULTI
 * with INCR and RPUSH, EXEC. move: LMOVE of a job. put, take: RPUSH and LPOP of a queue. transfer: MULTI with INCR and
 * two INCRBY whose sum is 0, EXEC. sum: MGET of both. set, get: of a register. cas: WATCH, GET, MULTI, SET, EXEC. look:
 * what has an answer, and families.ts says which.
 */
export type Kind =
  | 'append'
  | 'read'
  | 'count'
  | 'pair'
  | 'move'
  | 'put'
  | 'take'
  | 'transfer'
  | 'sum'
  | 'set'
  | 'get'
  | 'cas'
  | 'look'

export interface Operation {
  readonly client: string
  readonly kind: Kind
  readonly key: string
  /** What append, pair and put push, and set and cas write. */
  readonly element: string
  readonly begun: number
  ended: number
  told: Told
  value: Value
  message: string
  /** Of a cas: what it has read. */
  expected: string | null
}

export class History {
  readonly operations: Operation[] = []

  begin(client: string, kind: Kind, key: string, element = ''): Operation {
    const operation: Operation = {
      ...{ client, kind, key, element, begun: performance.now(), expected: null },
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
