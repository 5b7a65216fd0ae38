// majority.ts: watches what the Sentinels answer for a master, often enough to date a failover to a few milliseconds.
//
// Owns: one raw connection per Sentinel, asked again as soon as it has answered and the interval has passed.
// Never: waits for a Sentinel that is silent (a stopped one simply has no say), uses ioredis or anything of src/.
import { slowness } from './pace.ts'
import { ask, RespClient, type Value } from './resp-client.ts'
import type { Node } from './servers.ts'

/** A change of the majority's answer. `address` is 'host:port', or '' while no majority agrees. */
export interface MajorityChange {
  /** Date.now() when it was seen. */
  readonly at: number
  /** Date.now() up to which it is known not to have come: a silent Sentinel may have changed its mind long before. */
  readonly notBefore: number
  readonly address: string
}

export interface MajorityWatch {
  readonly history: MajorityChange[]
  /** What the majority says now; '' while there is none. */
  current(): string
  stop(): void
}

interface Voter {
  client: RespClient | null
  dialing: boolean
  /** performance.now() of the question still open; 0 where none is. */
  askedAt: number
  answer: string
  answeredAt: number
  /** performance.now() of the question that `answer` answers, and of the last one with another answer. */
  saidAt: number
  otherAt: number
}

export interface WatchOptions {
  readonly masterName: string
  readonly password: string | undefined
  readonly onChange?: (change: MajorityChange) => void
}

const everyMs = 4
/** An answer older than this says nothing about now. */
const staleMs = 1000
const redialMs = 50

/** Samples all Sentinels every 4 ms until `stop()`; more than half of all of them make a majority, reachable or not. */
export function watchMajority(sentinels: readonly Node[], options: WatchOptions): MajorityWatch {
  const history: MajorityChange[] = []
  const voters = sentinels.map((node): [Node, Voter] => [
    node,
    { client: null, dialing: false, askedAt: 0, answer: '', answeredAt: 0, saidAt: 0, otherAt: 0 },
  ])
  let current = ''
  let stopped = false

  const judge = (): void => {
    const now = performance.now()
    const fresh = voters.map(([, voter]) => (now - voter.answeredAt < staleMs * slowness() ? voter.answer : ''))
    const address = majorityOf(fresh, voters.length)
    if (stopped || address === current) return
    const known = Date.now() - (now - knownUntil(current, address))
    const notBefore = Math.max(known, history.at(-1)?.notBefore ?? 0)
    current = address
    const change = { at: Date.now(), notBefore, address }
    history.push(change)
    options.onChange?.(change)
  }

  /** Until when (performance.now()) `before` was the majority's answer for sure, which is `after` now. */
  const knownUntil = (before: string, after: string): number => {
    const changed = voters.flatMap(([, { answer, otherAt }]) => (answer === after ? [otherAt] : []))
    const stayed = voters.flatMap(([, { answer, saidAt }]) => (answer === before ? [saidAt] : []))
    return after === '' ? Math.min(performance.now(), ...stayed) : Math.max(0, ...changed)
  }

  const look = (node: Node, voter: Voter): void => {
    const { client } = voter
    if (client === null || !client.isOpen) {
      redial(node, voter)
      return
    }
    if (voter.askedAt !== 0) return
    voter.askedAt = performance.now()
    client.send('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', options.masterName).then(
      value => {
        const answer = addressOf(value)
        if (answer !== voter.answer) voter.otherAt = voter.saidAt
        voter.saidAt = voter.askedAt
        voter.askedAt = 0
        voter.answer = answer
        voter.answeredAt = performance.now()
        judge()
      },
      () => {
        voter.askedAt = 0
        voter.answer = ''
      },
    )
  }

  const redial = (node: Node, voter: Voter): void => {
    if (voter.dialing) return
    voter.dialing = true
    voter.answer = ''
    dial(node, options.password).then(
      client => {
        voter.dialing = false
        voter.client = client
        if (stopped) client.reset()
      },
      () => {
        setTimeout(() => {
          voter.dialing = false
        }, redialMs)
      },
    )
  }

  const tick = (): void => {
    for (const [node, voter] of voters) look(node, voter)
    judge()
  }
  const timer = setInterval(tick, everyMs)
  tick()
  return {
    history,
    current: () => current,
    stop: () => {
      stopped = true
      clearInterval(timer)
      for (const [, voter] of voters) voter.client?.reset()
    },
  }
}

async function dial(node: Node, password: string | undefined): Promise<RespClient> {
  const client = await RespClient.connect(node.port, node.host, { connectTimeoutMs: 500 * slowness(), tls: node.tls })
  if (password !== undefined) await client.send('AUTH', password)
  return client
}

/** The answer more than half of `voters` give; '' where there is none. */
export function majorityOf(answers: readonly string[], voters: number): string {
  const counts = new Map<string, number>()
  for (const answer of answers) if (answer !== '') counts.set(answer, (counts.get(answer) ?? 0) + 1)
  for (const [answer, count] of counts) if (count > voters / 2) return answer
  return ''
}

/** 'host:port' from the reply to GET-MASTER-ADDR-BY-NAME; '' from anything else. */
export function addressOf(value: Value): string {
  if (!Array.isArray(value) || value.length !== 2) return ''
  return `${String(value[0])}:${String(value[1])}`
}

/** One look: what each reachable Sentinel answers, and what more than half of the reachable ones agree on. */
export async function askMajority(sentinels: readonly Node[], masterName: string): Promise<string> {
  const answers = await Promise.all(
    sentinels.map(async node => {
      try {
        const command = ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', masterName]
        return addressOf(await ask(node, command, { timeoutMs: 500, password: node.password }))
      } catch {
        return ''
      }
    }),
  )
  return majorityOf(answers, answers.filter(answer => answer !== '').length)
}
