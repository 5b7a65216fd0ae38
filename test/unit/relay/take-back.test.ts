// What becomes of a request whose link is lost, by the time that it names and the time for which it may wait.
import t from 'tap'
import { LearnedCommands } from '../../../src/command/learned-commands.ts'
import { createCounters } from '../../../src/ops/counters.ts'
import { createRun, nobody } from '../../../src/relay/request.ts'
import { takeBack } from '../../../src/relay/take-back.ts'
import { encodeCommand } from '../../../src/resp/encode.ts'

const MINUTE_MS = 60_000
/** The margin for the clock of the server, see time-rules.ts. */
const CLOCKS_MS = 10 * MINUTE_MS

t.test('a time that is written out — is ahead — only if it is so at the end of the hold time', async t => {
  for (const holdLimitMs of [MINUTE_MS, 60 * MINUTE_MS]) {
    for (const [spareMs, isSentAgain] of [
      [-MINUTE_MS, false],
      [MINUTE_MS, true],
    ] as const) {
      const at = Date.now() + CLOCKS_MS + holdLimitMs + spareMs
      const owner = { ...nobody, gone: false }
      const request = createRun(owner, encodeCommand(['PEXPIREAT', 'k', String(at)]), 1)
      request.sends = 1
      const policy = { policy: 'safe', maxRetries: 0 } as const
      const host = { policy, counters: createCounters(), learned: new LearnedCommands(), holdLimitMs }
      const [back] = takeBack(request, 'unknown', host)
      t.equal(back?.local === null, isSentAgain, `${holdLimitMs} ms may be waited, ${spareMs} ms are to spare`)
    }
  }
})
