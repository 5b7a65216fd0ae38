// Random walks through who asks, who leaves, which protocol, when the gate moves and when work that was put off runs: a
// session hears the two notices in turns, with numbers that grow, and the last one it heard is true in the end.
import t from 'tap'
import {
  HandoffNotices,
  type MovingEndpoint,
  type NoticedSession,
} from '../../../../src/client/state/handoff-notices.ts'
import { createCounters } from '../../../../src/ops/counters.ts'
import { randomFrom } from '../../../support/seeded-random.ts'

class Client implements NoticedSession {
  readonly id: number
  readonly state = { identity: { protocol: 3 as 2 | 3 } }
  gone = false
  ending = false
  asked = false
  /** It may have missed a notice. */
  spokeOld = false
  readonly heard: { readonly name: string; readonly number: number }[] = []
  /** A promise was broken while it was told. */
  fault: string | null = null

  constructor(id: number) {
    this.id = id
  }

  deliver(bytes: Buffer): void {
    const [, , name = '', number = ''] = bytes.toString().split('\r\n')
    const last = this.heard.at(-1)
    if (!this.asked || this.state.identity.protocol === 2 || this.gone || this.ending) this.fault ??= `told ${name}`
    if (last === undefined ? name !== 'FAILING_OVER' : name === last.name) this.fault ??= `${name} after ${last?.name}`
    if (last !== undefined && Number(number.slice(1)) <= last.number) this.fault ??= `the number ${number} again`
    this.heard.push({ name, number: Number(number.slice(1)) })
  }
}

function walk(seed: number): string | null {
  const next = randomFrom(seed)
  const pick = (n: number): number => Math.floor(next() * n)
  const put: (() => void)[] = []
  const counters = createCounters()
  const options = { on: true, holdLimitMs: 60_000, announced: null, later: (work: () => void) => void put.push(work) }
  const notices = new HandoffNotices(options, counters)
  // More than are told in one step.
  const clients = Array.from({ length: 600 }, (_, id) => new Client(id))
  let holding = false
  const acts: (() => void)[] = [
    () => {
      holding = true
      notices.holdBegins()
    },
    () => {
      holding = false
      notices.holdEnds()
    },
    () => put.shift()?.(),
    () => put.shift()?.(),
    () => {
      for (let i = 0; i < 200; i++) {
        const client = clients[pick(clients.length)]
        if (client === undefined || client.gone) continue
        // Who has said OFF in the hold that it was told of, and asks again, would hear the same number again.
        if (!client.asked && client.heard.at(-1)?.name === 'FAILING_OVER') continue
        client.asked = true
        notices.add(client, next() < 0.5 ? 'none' : ('address' satisfies MovingEndpoint))
      }
    },
    () => {
      const client = clients[pick(clients.length)]
      if (client === undefined) return
      client.gone = true
      client.asked = false
      notices.delete(client.id)
    },
    () => {
      const client = clients[pick(clients.length)]
      if (client === undefined) return
      client.state.identity.protocol = next() < 0.5 ? 2 : 3
      client.spokeOld = true
    },
  ]
  for (let step = 0; step < 80; step++) acts[pick(acts.length)]?.()
  while (put.length > 0) put.shift()?.()
  for (const client of clients) {
    if (client.fault !== null) return `client ${client.id}: ${client.fault}`
    const told = client.heard.at(-1)?.name === 'FAILING_OVER'
    if (client.asked && !client.spokeOld && told !== holding)
      return `client ${client.id}: ${told ? 'in a hold' : 'in none'}, and it is ${holding}`
  }
  if (counters.handoffSessions !== clients.filter(client => client.asked).length) return 'the count is wrong'
  return null
}

t.test('notices — in any order of events — alternate, grow and are true in the end', async t => {
  for (let seed = 1; seed <= 300; seed++) {
    const fault = walk(seed)
    if (fault !== null) t.fail(`seed ${seed}: ${fault}`)
  }
  t.pass('300 walks')
})

t.test('notices — of the end of this process — have a number that is new, too', async t => {
  const put: (() => void)[] = []
  const options = { on: true, holdLimitMs: 60_000, announced: null, later: (work: () => void) => void put.push(work) }
  const notices = new HandoffNotices(options, createCounters())
  const heard: string[] = []
  const session: NoticedSession = {
    ...{ id: 1, state: { identity: { protocol: 3 } }, gone: false, ending: false },
    deliver: bytes => void heard.push(bytes.toString()),
  }
  notices.add(session, 'none')
  for (const turn of [() => notices.holdBegins(), () => notices.holdEnds(), () => notices.moving(3000)]) {
    turn()
    while (put.length > 0) put.shift()?.()
  }
  const [first, ...later] = heard.map(text => Number(/:(\d+)/.exec(text)?.[1]))
  t.match(heard, [/FAILING_OVER/, /FAILED_OVER/, /MOVING/])
  t.strictSame(later, [Number(first) + 1, Number(first) + 2])
})
