// Runs commands twice on real servers: is the second reply the first one's, and the second state the first one's?
import t, { type Test } from 'tap'
import { classifyCommand } from '../../../src/command/classify.ts'
import type { ReplayClass } from '../../../src/command/command-spec.ts'
import { isOlder } from '../../support/needs.ts'
import { type RespClient, RespError, type Value } from '../../support/resp-client.ts'
import { type Flavour, findServer } from '../../support/servers.ts'
import { startForTest } from './real-server.ts'
import { argumentsOf, listOf, type RepeatCase, repeatCases } from './repeat-cases.ts'

const order: readonly ReplayClass[] = ['read', 'idempotent', 'state-idempotent', 'non-idempotent']

async function stateOf(client: RespClient, look: string): Promise<string> {
  const state: Value[] = [await client.send('DEBUG', 'DIGEST')]
  for (const question of listOf(look)) state.push(await client.send(...question))
  return JSON.stringify(state)
}

/** What two runs show. A repeat of what did nothing at all is a read; null: the server refuses it. */
async function observe(client: RespClient, { command, setup, look }: RepeatCase): Promise<ReplayClass | null> {
  await client.send('FLUSHALL')
  await client.send('FUNCTION', 'FLUSH')
  for (const preparation of listOf(setup)) await client.send(...preparation)
  const before = await stateOf(client, look)
  const replies: string[] = []
  const states: string[] = []
  let refused = 0
  for (let run = 0; run < 2; run++) {
    const reply = await client.send(...argumentsOf(command))
    if (reply instanceof RespError) refused++
    replies.push(JSON.stringify(reply))
    states.push(await stateOf(client, look))
  }
  if (refused === 2) return null
  if (states[0] !== states[1]) return 'non-idempotent'
  if (replies[0] !== replies[1]) return 'state-idempotent'
  return states[0] === before ? 'read' : 'idempotent'
}

async function runAll(t: Test, flavour: Flavour): Promise<void> {
  const client = await startForTest(t, flavour)
  // It has not all of the commands and options.
  const isOld = flavour === 'redis' && isOlder(flavour, 8)
  const wrong: string[] = []
  let runs = 0
  for (const example of repeatCases) {
    if (example.proof === 'not run' || (example.only !== null && example.only !== flavour)) continue
    const claimed = classifyCommand(
      argumentsOf(example.command).map(arg => Buffer.from(arg)),
      Date.now(),
    )
    const observed = await observe(client, example)
    if (observed === null && isOld) continue
    runs++
    const seen = observed ?? 'read'
    const distance = order.indexOf(claimed) - order.indexOf(seen)
    const fits = example.proof === 'exact' ? distance === 0 : distance > 0
    if (!fits) wrong.push(`${argumentsOf(example.command).join(' ')}: ${claimed} by the rules, ${seen} when run`)
  }
  t.strictSame(wrong, [])
  t.ok(runs > 120, `${runs} examples`)
}

for (const flavour of ['redis', 'valkey'] as const) {
  const missing = findServer(flavour) ? false : `no ${flavour}-server`
  t.test(`classify — says what a repeat does — on a real ${flavour}-server`, { skip: missing }, t => runAll(t, flavour))
}
