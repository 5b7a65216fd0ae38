// `holdfast drill` on real sets: a switchover there and back, what each class of sessions saw, what is told before
// anything is done, and what is left where it ends in between.
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import type { ClassRow } from '../../src/drill/classes.ts'
import type { Account } from '../../src/drill/observe.ts'
import type { Running } from '../support/control.ts'
import { judgeClients, serves } from '../support/drilled.ts'
import { without } from '../support/needs.ts'
import { openFeed } from '../support/page-feed.ts'
import { RespClient } from '../support/resp-client.ts'
import { hurry } from '../support/sentinel-pace.ts'
import { type Node, SentinelSet } from '../support/sentinel-set.ts'
import { type JsonFinding, type Stage, stageOf, startDrill, startUntil, undisturbed } from '../support/switchover.ts'
import { waitUntil } from '../support/wait-until.ts'
import { startWorkload } from '../support/workload.ts'

/** The lease of the pause, and a second for a busy machine. */
const SERVED_MS = 3_000
/** A promotion that comes to nothing ends after failover-timeout (10 s). */
const ABORTED_MS = 30_000

interface LegJson {
  readonly name: string
  readonly outcome: { readonly kind: string; readonly heldMs: number; readonly to?: string }
  readonly classes: readonly ClassRow[]
  readonly gaveUp: readonly Account[]
}

interface DrillJson {
  readonly findings: readonly JsonFinding[]
  readonly plan: { readonly from: string; readonly probablyBy: string } | null
  readonly end: {
    readonly kind: string
    readonly master: string
    readonly why?: string
    readonly remedy?: string
  } | null
  readonly legs: readonly LegJson[]
  readonly classes: readonly ClassRow[]
}

function runDrill(t: Test, stage: Stage, words: readonly string[] = []) {
  const run = async () => {
    const { code, stdout, stderr } = await startDrill(t, stage, ['--json', ...words]).ended
    if (!stdout.startsWith('{')) throw new Error(`exit code ${code}: ${stdout}\n${stderr}`)
    return { code, report: JSON.parse(stdout) as DrillJson }
  }
  return undisturbed(stage.set, run, ({ report }) => (report.end === null ? report.findings : []))
}

/** A set whose first node is chosen again on the way back: of the two replicas one stands behind it. */
async function startSet(t: Test, flavour?: 'redis' | 'valkey'): Promise<{ set: SentinelSet; first: Node; last: Node }> {
  const set = await SentinelSet.start(flavour === undefined ? {} : { flavour })
  t.teardown(() => set.stopAll())
  await hurry(set.sentinels)
  const [first, , last] = set.nodes
  if (first === undefined || last === undefined) throw new Error('a set of three')
  await setPriority(set, last, '200')
  return { set, first, last }
}

/** Until each Sentinel has seen it. */
async function setPriority(set: SentinelSet, node: Node, value: string): Promise<void> {
  await set.command(node, 'CONFIG', 'SET', 'replica-priority', value)
  const seen = async (sentinel: Node): Promise<boolean> => {
    const replicas = (await set.command(sentinel, 'SENTINEL', 'REPLICAS', set.masterName)) as string[][]
    const fields = replicas.find(one => one[one.indexOf('port') + 1] === String(node.port))
    // A master has none there.
    return fields === undefined || fields[fields.indexOf('slave-priority') + 1] === value
  }
  for (const sentinel of set.sentinels)
    await waitUntil('the Sentinel sees the priority', () => seen(sentinel), { withinMs: 20_000 })
}

/** One command after the other, whatever comes of it, until the test is over. */
function useAlways(t: Test, act: () => Promise<unknown>): { done: number } {
  const count = { done: 0 }
  let isOver = false
  const loop = (async () => {
    while (!isOver) {
      await act().then(
        () => count.done++,
        () => {},
      )
      await new Promise(resolve => setTimeout(resolve, 5))
    }
  })()
  t.teardown(() => {
    isOver = true
    return loop
  })
  return count
}

for (const flavour of ['redis', 'valkey'] as const) {
  t.test(
    `drill — there and back, and names who gave up — ${flavour}`,
    { skip: without(`${flavour}-server`) },
    async t => {
      const { set, first } = await startSet(t, flavour)
      const stage = await stageOf(t, set, { options: { 'admin-listen': '127.0.0.1:0' } })
      const { port } = stage.holdfast
      const load = startWorkload({ port, rawClients: 3, ioredisClients: 2 })
      t.teardown(() => load.stop({ withinMs: 0 }))
      // Each of its connections ends when a reply takes longer.
      const leaver = new Redis({ port, connectionName: 'leaver', socketTimeout: 200 })
      const listener = new Redis({ port, connectionName: 'listener' })
      const blocked = new Redis({ port, connectionName: 'blocked' })
      for (const client of [leaver, listener, blocked]) client.on('error', () => {})
      t.teardown(() => {
        for (const client of [leaver, listener, blocked]) client.disconnect()
      })
      const tracking = await RespClient.connect(port)
      const open = await RespClient.connect(port)
      t.teardown(() => Promise.all([tracking.close(), open.close()]))
      await listener.subscribe('news')
      const popped = blocked.blpop('list', 0)
      await tracking.send('HELLO', '3')
      t.equal(await tracking.send('CLIENT', 'TRACKING', 'ON'), 'OK')
      await open.send('MULTI')
      await open.send('INCR', 'in-a-transaction')
      const use = useAlways(t, () => leaver.incr('leaver'))
      await waitUntil('all are at work', () => use.done > 3 && load.ledger.operations.length > 50, { withinMs: 20_000 })

      const { code, report } = await runDrill(t, stage)
      t.match(report.end, { kind: 'back', master: `127.0.0.1:${first.port}` }, JSON.stringify(report, null, 1))
      t.equal(code, 6, 'somebody gave up')
      t.equal(await set.currentMaster(), first)
      t.strictSame(
        report.legs.map(({ name, outcome }) => [name, outcome.kind]),
        [
          ['there', 'done'],
          ['back', 'done'],
        ],
      )
      for (const { name, gaveUp, classes } of report.legs) {
        t.match(
          gaveUp.find(one => one.name === 'leaver'),
          { did: 'closed', library: 'ioredis', kind: 'plain' },
          `the client with a short time-out is named, ${name}`,
        )
        t.strictSame(
          gaveUp.filter(one => one.name !== 'leaver'),
          [],
          'nobody else is',
        )
        const kinds = new Set(classes.map(({ kind }) => kind))
        t.strictSame([...kinds].sort(), ['blocked', 'plain', 'subscriber', 'tracking', 'transaction'], name)
        const plain = classes.find(({ kind, library }) => kind === 'plain' && library === '')
        t.match(plain, { sessions: 3, waited: 3, failed: 0, unknown: 0, closed: 0 }, name)
        t.ok((plain?.medianMs ?? 0) > 100 && (plain?.longestMs ?? 0) >= (plain?.medianMs ?? 0), 'they waited')
      }
      t.match(
        report.classes.find(({ kind, library }) => kind === 'plain' && library === ''),
        { sessions: 3, waited: 6 },
        'the sum knows each session once, and each wait',
      )
      const paused = stage.holdfast.log.filter(({ event }) => event === 'pause.start')
      t.strictSame(
        paused.map(({ by }) => by),
        ['drill', 'drill'],
        'the log names the drill',
      )
      const feed = await openFeed(t, stage.holdfast.admin)
      const hello = await waitUntil('the page is told', () => feed.events[0], { withinMs: 5000 })
      const { present, stories } = hello.data as unknown as {
        readonly present: { readonly masters: readonly { readonly lastPause: unknown }[] }
        readonly stories: readonly (readonly { readonly kind: string; readonly cause: string }[])[]
      }
      t.match(present.masters[0]?.lastPause, { by: 'drill' }, 'and so does the status')
      t.strictSame(
        stories[0]?.filter(({ kind }) => kind === 'pause').map(({ cause }) => cause),
        ['drill', 'drill'],
        'and the page',
      )
      t.strictSame(await tracking.send('PING'), 'PONG')
      t.match(await open.send('EXEC'), [1], 'the open transaction lives on')
      const pusher = new Redis({ port })
      t.teardown(() => pusher.disconnect())
      await pusher.rpush('list', 'x')
      t.strictSame(await popped, ['list', 'x'], 'the blocked one is served')
      await judgeClients(t, [load], set)
    },
  )
}

t.test('drill — what stands against the way back — is told before anything is done', async t => {
  const { set, first, last } = await startSet(t)
  const stage = await stageOf(t, set)
  const config = (node: Node, name: string, value: string): Promise<unknown> =>
    set.command(node, 'CONFIG', 'SET', name, value)
  const planted = [
    { what: 'nothing', plant: async () => {}, undo: async () => {}, code: 0, id: 'ok', text: /would choose it again/ },
    {
      what: 'a first master with priority 0',
      plant: () => config(first, 'replica-priority', '0'),
      undo: () => config(first, 'replica-priority', '100'),
      code: 1,
      id: 'back.never',
      text: /way back: replica .* its replica-priority is 0: .* never choose it again/,
    },
    {
      what: 'another replica that is preferred',
      plant: () => config(first, 'replica-priority', '300'),
      undo: () => config(first, 'replica-priority', '100'),
      code: 1,
      id: 'back.other',
      text: /its replica-priority is 300, and that of .* 200: the Sentinels would choose that one/,
    },
    {
      what: 'another replica of the same priority',
      plant: () => config(first, 'replica-priority', '200'),
      undo: () => config(first, 'replica-priority', '100'),
      code: 0,
      id: 'back.by_chance',
      text: /has the same replica-priority/,
    },
    {
      what: 'one replica with priority 0',
      plant: () => setPriority(set, last, '0'),
      undo: () => setPriority(set, last, '200'),
      code: 0,
      id: 'replica.unfit',
      text: /its replica-priority is 0/,
    },
    {
      what: 'a first master with less memory than it would need',
      plant: () => config(first, 'maxmemory', '100kb'),
      undo: () => config(first, 'maxmemory', '0'),
      code: 1,
      id: 'target.memory',
      text: /way back: replica .* its maxmemory is 102400/,
    },
    {
      what: 'replicas that no Sentinel may promote',
      plant: async () => {
        for (const node of set.nodes.slice(1)) await setPriority(set, node, '0')
      },
      undo: async () => {
        for (const [i, node] of set.nodes.slice(1).entries()) await setPriority(set, node, i === 0 ? '100' : '200')
      },
      code: 1,
      id: 'target.none',
      text: /would choose none of its replicas/,
    },
  ]
  for (const { what, plant, undo, code, id, text } of planted) {
    await t.test(`planted — ${what} — ${id}`, async t => {
      await plant()
      try {
        // What forbids it forbids it without --dry-run too.
        const found = await runDrill(t, stage, code === 0 ? ['--dry-run'] : [])
        const all = found.report.findings.filter(one => one.id === id).map(one => `${one.subject} ${one.text}`)
        t.ok(
          all.some(one => text.test(one)),
          `${text}: ${JSON.stringify(found.report.findings, null, 1)}`,
        )
        t.equal(found.code, code)
        t.equal(found.report.end, null)
        t.equal(stage.holdfast.find('pause.start'), undefined, 'nothing was held')
        t.equal(await set.currentMaster(), first)
      } finally {
        await undo()
      }
    })
  }

  await t.test('in words — the dry run says both ways', async t => {
    const dry = await startUntil(set, () => startDrill(t, stage, ['--dry-run']), 'Nothing was done.')
    const { code, stdout } = await dry.ended
    t.equal(code, 0)
    t.match(stdout, /make another node the master in place of .* the master again\. Nothing was done\.\n$/)
  })
})

t.test('drill — ends in between — says where the set is, and the set serves', async t => {
  const { set, first, last } = await startSet(t)
  const stage = await stageOf(t, set)
  const load = startWorkload({ port: stage.holdfast.port })
  t.teardown(() => load.stop({ withinMs: 0 }))
  const started = (what: string, times = 1): Promise<Running> =>
    startUntil(set, () => startDrill(t, stage, []), what, times)
  /** The set is whole, and the first node its master. */
  const ready = async (): Promise<void> => {
    await set.settle()
    await hurry(set.sentinels)
    for (let i = 0; i < 3 && (await set.currentMaster()) !== first; i++) {
      const now = await set.currentMaster()
      await set.failover()
      await set.waitForNewMaster(now, { withinMs: 30_000 })
      await set.settle()
      await hurry(set.sentinels)
    }
  }

  await t.test('stopped between the two — exit code 5', async t => {
    await ready()
    const running = await started('\n follow ')
    running.child.kill('SIGINT')
    const { code, stdout } = await running.ended
    t.equal(code, 5, stdout)
    const now = await set.currentMaster()
    t.not(now, first)
    t.match(
      stdout,
      new RegExp(`Not back: somebody stopped it.*The master is 127.0.0.1:${now.port}, and commands are sent`),
    )
    t.match(stdout, /remedy: .*holdfast switchover goes on/)
    await serves(t, stage, SERVED_MS)
  })

  await t.test('the other replica is preferred meanwhile — stays there, and says why', async t => {
    await ready()
    const running = await started('\n resume ')
    await set.command(last, 'CONFIG', 'SET', 'replica-priority', '10')
    const { code, stdout } = await running.ended
    await setPriority(set, last, '200')
    t.equal(code, 5, stdout)
    t.match(stdout, new RegExp(`Not back: the Sentinel would choose 127.0.0.1:${last.port}, and not`))
    t.match(stdout, /remedy: CONFIG SET replica-priority/)
    t.not(await set.currentMaster(), first)
    await serves(t, stage, SERVED_MS)
  })

  for (const [what, times] of [
    ['\n hold ', 1],
    ['\n follow ', 1],
    ['\n hold ', 2],
    ['\n ask ', 2],
  ] as const) {
    await t.test(`killed behind ${what.trim()} of switchover ${times} — serves within the lease`, async t => {
      await ready()
      const running = await started(what, times)
      running.child.kill('SIGKILL')
      await serves(t, stage, what === '\n ask ' ? ABORTED_MS : SERVED_MS)
      await running.ended
    })
  }

  await t.test('stopped while commands are held — exit code 3 or 4', async t => {
    await ready()
    const running = await started('\n hold ')
    running.child.kill('SIGINT')
    const { code, stdout } = await running.ended
    t.ok(code === 3 || code === 4, `exit code ${code}`)
    t.match(stdout, /(Aborted on the way there|Not seen to its end): somebody stopped it/)
    await serves(t, stage, ABORTED_MS)
  })

  await ready()
  await judgeClients(t, [load], set)
})
