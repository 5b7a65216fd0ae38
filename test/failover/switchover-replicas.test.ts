// `holdfast switchover --dry-run` against a real set whose replicas are made unfit one way after the other: behind, cut
// off, promoted by hand, locked, or not seen as replicas yet.
import t, { type Test } from 'tap'
import { startHoldfastProcess } from '../support/holdfast.ts'
import { ask, RespClient } from '../support/resp-client.ts'
import { hurry } from '../support/sentinel-pace.ts'
import { type Node, SentinelSet } from '../support/sentinel-set.ts'
import { type JsonFinding, runSwitchover, type Stage, stageOf } from '../support/switchover.ts'
import { waitUntil } from '../support/wait-until.ts'

interface Wanted {
  readonly id: string
  readonly level?: 'problem' | 'warning'
  readonly shows: RegExp
  readonly words?: readonly string[]
}

/** A look that waits longer for a node that is silent sees what has become of it since. */
const brief = ['--answer-timeout', '1s']

/** The dry run finds it, within the time that servers take to see what was planted. */
async function finds(t: Test, stage: Stage, { id, level = 'problem', shows, words = [] }: Wanted): Promise<void> {
  let last: readonly JsonFinding[] = []
  const found = async (): Promise<{ readonly code: number | null } | undefined> => {
    const { code, report } = await runSwitchover(t, stage, ['--dry-run', ...brief, ...words])
    last = report.findings
    const told = report.findings.filter(one => one.id === id && one.level === level)
    return told.some(one => shows.test(`${one.subject} ${one.text}`)) ? { code } : undefined
  }
  try {
    const { code } = await waitUntil(`${id} is found`, found, { withinMs: 20_000, everyMs: 100 })
    if (level === 'problem') t.equal(code, 1, `${id} forbids it`)
    else t.pass(`${id} is told`)
  } catch (error) {
    t.fail(`${String(error)}: ${JSON.stringify(last, null, 1)}`)
  }
}

t.test('switchover --dry-run — replicas that are unfit', async t => {
  const set = await SentinelSet.start()
  t.teardown(() => set.stopAll())
  const [master, first, second] = set.nodes
  const [, , s3] = set.sentinels
  if (!master || !first || !second || !s3) throw new Error('a set of three and three')
  const stage = await stageOf(t, set)
  const config = (node: Node, name: string, value: string): Promise<unknown> =>
    set.command(node, 'CONFIG', 'SET', name, value)
  const subject = `replica 127.0.0.1:${first.port}`

  await t.test('planted — a replica that applies nothing — target.lag, in bytes', async t => {
    // It reads the stream on and runs no write of it.
    await set.command(first, 'CLIENT', 'PAUSE', '600000', 'WRITE')
    try {
      const writer = await RespClient.connect(master.port)
      for (let i = 0; i < 30; i++) await writer.send('SET', `large-${i}`, 'x'.repeat(100_000))
      await writer.close()
      await finds(t, stage, {
        id: 'target.lag',
        shows: new RegExp(`^${subject} is \\d{7} bytes behind, and --max-lag is 1048576`),
      })
      const { report } = await runSwitchover(t, stage, ['--dry-run', ...brief, '--max-lag', '10mb'])
      t.notOk(
        report.findings.some(({ id }) => id === 'target.lag'),
        'a higher --max-lag lets it pass',
      )
    } finally {
      await set.command(first, 'CLIENT', 'UNPAUSE')
    }
    await set.settle()
  })

  await t.test('planted — a replica that is silent — target.lag, in time', async t => {
    await set.stop(second)
    try {
      await finds(t, stage, {
        id: 'target.lag',
        shows: /a replica has not said for \d+ ms how far it is, and --max-lag is 1000 ms/,
        words: ['--max-lag', '1s'],
      })
    } finally {
      await set.resume(second)
    }
    await set.settle()
  })

  await t.test('planted — a replica whose master lets it in no more — target.link', async t => {
    await config(first, 'masterauth', 'wrong')
    await config(first, 'masteruser', 'nobody')
    try {
      await set.command(master, 'CLIENT', 'KILL', 'TYPE', 'replica')
      await finds(t, stage, { id: 'target.link', shows: new RegExp(`^${subject} its link to the master is down`) })
    } finally {
      await config(first, 'masteruser', '')
      await config(first, 'masterauth', '')
    }
    await set.settle()
  })

  await t.test('planted — a replica promoted by hand — target.role', async t => {
    await set.command(first, 'REPLICAOF', 'NO', 'ONE')
    try {
      await finds(t, stage, { id: 'target.role', shows: new RegExp(`^${subject} says it is a master`) })
    } finally {
      await set.command(first, 'REPLICAOF', '127.0.0.1', String(master.port))
    }
    await set.settle()
  })

  await t.test('planted — a replica with another password — target.unknown', async t => {
    // The Sentinels' connections stay signed in.
    const keeper = await RespClient.connect(first.port)
    await keeper.send('CONFIG', 'SET', 'requirepass', 'secret')
    try {
      await finds(t, stage, { id: 'target.unknown', shows: new RegExp(`^${subject} .*it cannot be asked from here`) })
    } finally {
      await keeper.send('CONFIG', 'SET', 'requirepass', '')
      await keeper.close()
    }
    await set.settle()
  })

  await t.test('planted — a client on the host of another Holdfast — clients.probable', async t => {
    const other = await startHoldfastProcess(t, { sentinels: set.sentinelAddresses() })
    await waitUntil('it serves', () => other.find('hold.end'), { withinMs: 20_000 })
    const user = await RespClient.connect(other.port)
    const direct = await RespClient.connect(master.port)
    t.teardown(() => Promise.all([user.close(), direct.close()]))
    await user.send('SET', 'k', 'v')
    await direct.send('CLIENT', 'SETNAME', 'nightly-job')
    await direct.send('SET', 'k', 'v')
    await finds(t, stage, {
      id: 'clients.probable',
      level: 'warning',
      shows: /probably through the Holdfast on the same host: .*nightly-job/,
    })
  })

  await t.test('planted — a Sentinel that still takes a replica for a master — target.unseen', async t => {
    await set.settle()
    await hurry(set.sentinels)
    // It asks an old master at once when the master moves, hears "master", and asks again after its period: never.
    await ask(s3, ['SENTINEL', 'DEBUG', 'INFO-PERIOD', '3600000'])
    await set.failover()
    await set.waitForNewMaster(master, { withinMs: 20_000 })
    await finds(t, stage, {
      id: 'target.unseen',
      shows: new RegExp(`^replica 127.0.0.1:${master.port} Sentinel .*127.0.0.1:${s3.port} has not seen yet`),
    })
    await hurry([s3])
    const isFine = async (): Promise<boolean> => (await runSwitchover(t, stage, ['--dry-run'])).code === 0
    t.ok(await waitUntil('it has seen it, and nothing stands against it', isFine, { withinMs: 30_000, everyMs: 100 }))
  })
})
