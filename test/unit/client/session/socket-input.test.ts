// When a client is read from: what comes while a step of the same turn is still due waits for that.
import type { Socket } from 'node:net'
import t from 'tap'
import type { Reader, Stop } from '../../../../src/client/session/reader.ts'
import { Input, Pause } from '../../../../src/client/session/socket-input.ts'
import type { SessionHost } from '../../../../src/client/state/session-context.ts'
import { createCounters } from '../../../../src/ops/counters.ts'

t.test(
  'a session — the reply that it waited for, then more of its client in the same turn — waits for the turn’s end',
  async t => {
    const done: string[] = []
    const steps: (() => void)[] = []
    let onData = (_chunk: Buffer): void => {}
    const socket = { pause() {}, resume() {}, discard() {}, waiting: 0 }
    const sockets = {
      read: (_: Socket, hear: (chunk: Buffer) => void) => {
        onData = hear
        return socket
      },
    }
    const host = {
      counters: createCounters(),
      lanes: { clock: 0, sockets },
      turn: { defer: (step: () => void) => void steps.push(step) },
      maxSessionBytes: 1024,
    } as unknown as SessionHost
    const reader = {
      read: (chunk: Buffer): Stop => {
        done.push(`read ${chunk}`)
        return String(chunk) === 'AUTH' ? 'replies' : 'none'
      },
      takeRest: () => null,
    } as unknown as Reader
    const session = {
      ...{ ending: false, inputEnded: false, owedNothing: false, readsAhead: false },
      onAheadFull() {},
      onAllRead() {},
      onBug(error: unknown) {
        throw error
      },
    }
    const input = new Input(session, {} as Socket, host, reader)
    onData(Buffer.from('AUTH'))
    // The reply to AUTH: the session leaves its link at the end of the turn, and reads on behind that.
    steps.push(() => void done.push('left'))
    input.unpause(Pause.stalled)
    onData(Buffer.from('GET'))
    t.strictSame(done, ['read AUTH'], 'the next command is not looked at before')
    t.notOk(input.empty)
    for (const step of steps.splice(0)) step()
    t.strictSame(done, ['read AUTH', 'left', 'read GET'])
  },
)
