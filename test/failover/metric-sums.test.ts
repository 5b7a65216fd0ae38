// The metrics through a series of faults, of two masters and their replicas: what clients have sent is counted once, the
// sums are right at every look, no counter falls, and nothing is left when the clients are gone.
import t, { type Test } from 'tap'
import { ask, scrape } from '../support/admin.ts'
import { controlPath, openControl } from '../support/control.ts'
import { type InProcess, startHoldfast } from '../support/holdfast.ts'
import { fallen, leftWithoutClients, sumFor, sumsOf } from '../support/metric-sums.ts'
import { addMaster } from '../support/more-masters.ts'
import { pause } from '../support/pause.ts'
import { RespClient } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'

const CONFIG = `
sentinels: [SENTINELS]
masters:
  cache: { listen: 127.0.0.1:0, replica-listen: 127.0.0.1:0, read-split: on }
  queue: { listen: 127.0.0.1:0, replica-listen: 127.0.0.1:0, hold-timeout: 3s }
`
const names = ['cache', 'queue'] as const

/** What a client does again and again: commands of one round, and whether they go in one write. */
const rounds: readonly { readonly commands: readonly string[][]; readonly inOne: boolean }[] = [
  {
    commands: [
      ['SET', 'k', 'v'],
      ['INCR', 'n'],
      ['GET', 'k'],
    ],
    inOne: true,
  },
  // One name, which is looked up once.
  { commands: Array.from({ length: 5 }, (_, i) => ['GET', `k${i}`]), inOne: true },
  { commands: [['GET', 'k'], ['PING'], ['NOSUCHCOMMAND']], inOne: false },
  { commands: [['MULTI'], ['INCR', 'n'], ['EXEC']], inOne: false },
  { commands: [['WATCH', 'k'], ['MULTI'], ['SET', 'k', 'w'], ['EXEC']], inOne: true },
  { commands: [['BLPOP', 'nothing', '0.1']], inOne: false },
  { commands: [['EVAL', 'return 1', '0']], inOne: false },
]
const reads = [{ commands: [['GET', 'k'], ['PING'], ['EXISTS', 'k']], inOne: true }]

/** Clients of one port, and how much they have sent. */
class Crowd {
  commands = 0
  /** Rounds that were answered. */
  rounds = 0
  readonly clients: RespClient[] = []
  readonly #port: number
  readonly #stopping = new AbortController()
  #loops: Promise<void>[] = []

  constructor(t: Test, port: number) {
    this.#port = port
    t.teardown(() => this.leave())
  }

  async connect(): Promise<RespClient> {
    const client = await RespClient.connect(this.#port)
    this.clients.push(client)
    return client
  }

  begin(all: typeof rounds): void {
    this.#loops = all.map(round => this.#run(round))
  }

  send(client: RespClient, ...command: string[]): Promise<unknown> {
    this.commands++
    return client.send(...command)
  }

  async #run({ commands, inOne }: (typeof rounds)[number]): Promise<void> {
    const client = await this.connect()
    while (!this.#stopping.signal.aborted) {
      if (inOne) {
        this.commands += commands.length
        await client.pipeline(commands.map(one => [...one]))
      } else for (const command of commands) await this.send(client, ...command)
      this.rounds++
      await pause(5, this.#stopping.signal)
    }
  }

  /** Answers when all that was sent is answered. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#loops)
  }

  async leave(): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.clients.map(client => client.close()))
  }
}

/** Looks at the metrics all the time; answers what was ever wrong. */
function watchSums({ admin }: InProcess): () => Promise<{ readonly wrong: string[]; readonly looks: number }> {
  const stopping = new AbortController()
  const wrong = new Set<string>()
  let looks = 0
  const run = async (): Promise<void> => {
    let before = await scrape(admin)
    while (!stopping.signal.aborted) {
      const series = await scrape(admin).catch(() => before)
      for (const text of [...names.flatMap(name => sumsOf(series, name)), ...fallen(before, series)]) wrong.add(text)
      before = series
      looks++
      await pause(20, stopping.signal)
    }
  }
  const running = run()
  return async () => {
    stopping.abort()
    await running
    return { wrong: [...wrong], looks }
  }
}

t.test('faults one after the other — at two masters and their replicas — and every sum is right', async t => {
  const set = await SentinelSet.start({ masterName: 'cache', failoverTimeoutMs: 5000 })
  t.teardown(() => set.stopAll())
  const queue = await addMaster(t, set, 'queue')
  const text = CONFIG.replace('SENTINELS', set.sentinelAddresses().join(', '))
  const config = `${t.testdir({ 'holdfast.yaml': text })}/holdfast.yaml`
  const path = await controlPath(t)
  const holdfast = await startHoldfast(t, {
    sentinels: set.sentinelAddresses(),
    masterName: '',
    options: { config, 'admin-listen': '127.0.0.1:0', 'control-socket': path, ack: 'master', reads: 'plain' },
    expectedErrors: ['gate.tripped', 'session.restore_failed'],
  })
  const { admin } = holdfast
  await waitUntil('both are served', async () => (await ask(admin, '/startup')).status === 200, { withinMs: 20_000 })
  const endWatch = watchSums(holdfast)
  t.teardown(endWatch)
  const masters = names.map(name => ({ name, ...holdfast.masters.get(name) }))
  const atMaster = masters.map(({ port = 0 }) => new Crowd(t, port))
  const atReplicas = masters.map(({ replicaPort = 0 }) => new Crowd(t, replicaPort))
  for (const crowd of atMaster) crowd.begin(rounds)
  for (const crowd of atReplicas) crowd.begin([...reads, ...reads])
  const all = [...atMaster, ...atReplicas]
  const goOn = async (what: string): Promise<void> => {
    const before = all.map(crowd => crowd.rounds)
    const isDone = (): boolean => all.every((crowd, i) => crowd.rounds > (before[i] ?? 0) + 20)
    await waitUntil(`clients go on ${what}`, isDone, { withinMs: 30_000 })
  }
  const holdEnds = (name: string, from: number) => () =>
    holdfast.log.slice(from).find(({ event, masterName, group }) => {
      return event === 'hold.end' && masterName === name && group === undefined
    })
  await goOn('before')

  const first = await set.currentMaster()
  let from = holdfast.log.length
  await set.kill(first)
  const [ofCache] = atMaster
  const cache = holdfast.masters.get('cache')?.counters
  if (ofCache === undefined || cache === undefined) throw new Error('no master')
  const leavers = await Promise.all([1, 2, 3].map(() => ofCache.connect()))
  const seen = cache.commands
  for (const one of leavers) ofCache.send(one, 'INCR', 'left').catch(() => {})
  await waitUntil('what they sent is read', () => cache.commands >= seen + leavers.length, { withinMs: 10_000 })
  for (const one of leavers) one.reset()
  await waitUntil('the cache has another master', holdEnds('cache', from), { withinMs: 60_000 })
  await goOn('after a failover')

  from = holdfast.log.length
  await Promise.all([set.kill(queue.replica), set.kill(queue.master)])
  const isTripped = () =>
    holdfast.log.slice(from).some(({ event, masterName }) => event === 'gate.tripped' && masterName)
  await waitUntil('commands of the queue fail', isTripped, { withinMs: 30_000 })
  await set.restart(queue.master)
  await waitUntil('the queue is served', holdEnds('queue', from), { withinMs: 60_000 })
  await set.restart(queue.replica)
  await goOn('after an outage')

  await set.restart(first)
  await set.settle()
  from = holdfast.log.length
  await set.failover()
  await waitUntil('the cache is handed over', holdEnds('cache', from), { withinMs: 60_000 })
  await goOn('after a planned failover')

  const now = await set.currentMaster()
  await set.command(now, 'CLIENT', 'KILL', 'TYPE', 'normal')
  await goOn('after lost links')

  const control = await openControl(t, path)
  await control.ask('pause', { maxMs: 20_000, emptyMs: 10_000, ignoreBlocked: true })
  await waitUntil('commands wait', () => (cache.waiting > 0 ? true : undefined), { withinMs: 10_000 })
  await control.ask('resume')
  await goOn('after a pause')

  await Promise.all(all.map(crowd => crowd.stop()))
  const series = await scrape(admin)
  for (const [i, name] of names.entries()) {
    const of = (metric: string, label = ''): number => sumFor(series, `holdfast_${metric}`, { master: name, label })
    const [crowd, readers] = [atMaster[i], atReplicas[i]]
    t.equal(of('commands_total'), crowd?.commands, `${name}: each command is counted once`)
    t.equal(of('replica_commands_total'), readers?.commands, `${name}: those at the port for replicas, too`)
    t.equal(of('sessions_accepted_total'), crowd?.clients.length, `${name}: sessions`)
    t.equal(of('replica_sessions_accepted_total'), readers?.clients.length, `${name}: sessions that read`)
    const written = crowd?.clients.reduce((sum, { socket }) => sum + socket.bytesWritten, 0)
    t.equal(of('client_bytes_total', 'direction="in"'), written, `${name}: every byte of clients`)
    t.ok(of('held_ended_total', 'end="drained"') > 0, `${name}: commands were held and sent`)
  }
  t.equal(sumFor(series, 'holdfast_pauses_total', { master: 'cache', label: 'end="resume"' }), 1)
  t.ok(sumFor(series, 'holdfast_held_ended_total', { master: 'queue', label: 'end="expired"' }) > 0)
  t.ok(sumFor(series, 'holdfast_breaker_refused_total', { master: 'queue' }) > 0)
  t.equal(sumFor(series, 'holdfast_split_reads_total', { master: 'queue' }), 0)
  t.ok(sumFor(series, 'holdfast_split_reads_total', { master: 'cache' }) > 0)

  await Promise.all(all.map(crowd => crowd.leave()))
  let left: string[] = []
  const nothing = async (): Promise<boolean> => {
    left = leftWithoutClients(await scrape(admin))
    if (left.length > 0) throw new Error(left.join('; '))
    return true
  }
  await waitUntil('nothing is left of the clients', nothing, { withinMs: 20_000 })
  const { wrong, looks } = await endWatch()
  t.strictSame(wrong, [], `at each of ${looks} looks`)
  t.ok(looks > 20)
  await holdfast.stop()
})
