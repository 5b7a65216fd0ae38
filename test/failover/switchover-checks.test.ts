// `holdfast switchover --dry-run` against one real set in which one thing after the other is made wrong, and put right
// again.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { RespClient } from '../support/resp-client.ts'
import { hurry } from '../support/sentinel-pace.ts'
import { type Node, SentinelSet } from '../support/sentinel-set.ts'
import { runSwitchover, stageOf } from '../support/switchover.ts'
import { waitUntil } from '../support/wait-until.ts'

/** What a page lets a user do: words of its ACL SETUSER. */
function rulesOf(name: string, user: string): string[] {
  const page = readFileSync(new URL(`../../docs/${name}.md`, import.meta.url), 'utf8')
  const [, rules = 'none'] = new RegExp(`^ACL SETUSER ${user} (?:on >\\S+ )?([^#\\n]*)`, 'm').exec(page) ?? []
  return rules.trim().split(/ +/)
}

interface Planted {
  readonly what: string
  readonly words?: readonly string[]
  readonly path?: string
  /** Makes it wrong. */
  readonly plant?: () => Promise<unknown>
  readonly undo?: () => Promise<unknown>
  readonly level?: 'problem' | 'warning' | 'note'
  readonly id: string
  readonly shows: RegExp
  /** With this behind, it is accepted. */
  readonly force?: string
}

t.test('switchover --dry-run', async t => {
  const set = await SentinelSet.start()
  t.teardown(() => set.stopAll())
  // What is planted must be seen by the Sentinels, which ask every ten seconds.
  await hurry(set.sentinels)
  const [master, first, second] = set.nodes
  const [s1, s2, s3] = set.sentinels
  if (!master || !first || !second || !s1 || !s2 || !s3) throw new Error('a set of three and three')
  const stage = await stageOf(t, set)
  const onAll = (nodes: readonly Node[], ...command: string[]): Promise<unknown> =>
    Promise.all(nodes.map(node => set.command(node, ...command)))
  const user = (nodes: readonly Node[], ...rights: string[]): Promise<unknown> =>
    onAll(nodes, 'ACL', 'SETUSER', 'app', 'reset', 'on', '>secret', '~*', '&*', ...rights)
  const noUser = (): Promise<unknown> => onAll([...set.nodes, ...set.sentinels], 'ACL', 'DELUSER', 'app')
  /** What a Sentinel says of a replica. */
  const seen = async (sentinel: Node, replica: Node, name: string): Promise<string | undefined> => {
    const replicas = await set.command(sentinel, 'SENTINEL', 'REPLICAS', set.masterName)
    const lists = (Array.isArray(replicas) ? replicas : []) as string[][]
    const fields = lists.find(one => one[one.indexOf('port') + 1] === String(replica.port)) ?? []
    return fields[fields.indexOf(name) + 1]
  }
  /** Each Sentinel asks each replica by its own clock, and the command reads whichever Sentinel would lead. */
  const priority = async (nodes: readonly Node[], value: string): Promise<void> => {
    await onAll(nodes, 'CONFIG', 'SET', 'replica-priority', value)
    const all = set.sentinels.flatMap(sentinel => nodes.map(node => ({ sentinel, node })))
    const areSeen = async (): Promise<boolean> => {
      const values = await Promise.all(all.map(({ sentinel, node }) => seen(sentinel, node, 'slave-priority')))
      return values.every(one => one === value)
    }
    await waitUntil('every Sentinel sees it', areSeen, { withinMs: 10_000 })
  }
  let other: RespClient | null = null
  const connectOther = async (...command: string[]): Promise<void> => {
    other = await RespClient.connect(master.port)
    await other.send('CLIENT', 'SETNAME', 'nightly-job')
    await other.send(...(command as [string]))
  }
  const closeOther = async (): Promise<void> => other?.close()

  await t.test('a healthy set — has nothing against it — and nothing is done', async t => {
    const { code, report } = await runSwitchover(t, stage, ['--dry-run'])
    t.equal(code, 0, JSON.stringify(report.findings, null, 1))
    t.strictSame(
      report.findings.filter(({ level }) => level === 'problem' || level === 'warning'),
      [],
    )
    t.equal(report.plan?.from, `127.0.0.1:${master.port}`)
    t.equal(report.outcome, null)
    t.equal(stage.holdfast.find('pause.start'), undefined)
    t.equal(await set.currentMaster(), master)
  })

  const planted: readonly Planted[] = [
    {
      what: 'no proxy at the control socket',
      path: `${stage.path}.none`,
      id: 'proxy.unreachable',
      shows: /there is no socket at .*start the proxy with --control-socket/,
    },
    {
      what: 'a quorum that cannot be reached',
      plant: () => onAll(set.sentinels, 'SENTINEL', 'SET', set.masterName, 'quorum', '5'),
      undo: () => onAll(set.sentinels, 'SENTINEL', 'SET', set.masterName, 'quorum', '2'),
      id: 'sentinels.no_quorum',
      shows: /NOQUORUM/,
    },
    {
      what: 'replicas that no Sentinel may promote',
      plant: () => priority([first, second], '0'),
      undo: () => priority([first, second], '100'),
      id: 'target.none',
      shows: /would choose none of its replicas/,
    },
    {
      what: 'one replica that no Sentinel may promote',
      plant: () => priority([first], '0'),
      undo: () => priority([first], '100'),
      level: 'warning',
      id: 'replica.unfit',
      shows: new RegExp(`replica 127.0.0.1:${first.port} would not be chosen: its replica-priority is 0`),
    },
    {
      what: 'a Sentinel user that may not run SENTINEL FAILOVER',
      words: ['--sentinel-username', 'app', '--sentinel-password', 'secret'],
      plant: () => user(set.sentinels, '+@all', '-sentinel|failover'),
      undo: noUser,
      id: 'sentinel.failover_right',
      shows: /the user app may not run SENTINEL FAILOVER.*ACL SETUSER app \+sentinel\|failover/,
    },
    {
      what: "Holdfast's own user on the master alone",
      words: ['--redis-username', 'app', '--redis-password', 'secret'],
      plant: () => user([master], '+@all'),
      undo: noUser,
      id: 'node.password',
      shows: /refuses the password of the user app/,
    },
    {
      what: 'a user of clients that a replica lacks',
      plant: () => user([master, second], '+@all'),
      undo: noUser,
      id: 'target.users',
      shows: new RegExp(`replica 127.0.0.1:${first.port} it has no user app`),
      force: 'target.users',
    },
    {
      what: 'a user whose rules differ on a replica',
      plant: async () => {
        await user(set.nodes, '+@all')
        await user([first], '+@read')
      },
      undo: noUser,
      id: 'target.users',
      shows: /the rules or passwords of app differ from the master's/,
    },
    {
      what: 'a replica with less memory than the master uses',
      plant: () => set.command(first, 'CONFIG', 'SET', 'maxmemory', '100kb'),
      undo: () => set.command(first, 'CONFIG', 'SET', 'maxmemory', '0'),
      id: 'target.memory',
      shows: /its maxmemory is 102400, and the master uses \d+ bytes/,
      force: 'target.memory',
    },
    {
      what: 'a replica that evicts',
      plant: () => set.command(first, 'CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru'),
      undo: () => set.command(first, 'CONFIG', 'SET', 'maxmemory-policy', 'noeviction'),
      level: 'warning',
      id: 'target.settings',
      shows: /its maxmemory-policy is allkeys-lru, the master's noeviction/,
    },
    {
      what: 'a replica that wants more replicas than stay',
      plant: () => onAll([first, second], 'CONFIG', 'SET', 'min-replicas-to-write', '2'),
      undo: () => onAll([first, second], 'CONFIG', 'SET', 'min-replicas-to-write', '0'),
      id: 'target.min_replicas',
      shows: /its min-replicas-to-write is 2, and 1 replica stays/,
      force: 'target.min_replicas',
    },
    {
      what: 'functions that a replica has not',
      plant: async () => {
        const code = "#!lua name=lib\nredis.register_function('f', function() return 1 end)"
        await set.command(first, 'CONFIG', 'SET', 'replica-read-only', 'no')
        await set.command(first, 'FUNCTION', 'LOAD', code)
      },
      undo: async () => {
        await set.command(first, 'FUNCTION', 'FLUSH')
        await set.command(first, 'CONFIG', 'SET', 'replica-read-only', 'yes')
      },
      id: 'target.functions',
      shows: /its functions are not those of the master/,
    },
    {
      what: 'scripts that a replica has not',
      plant: () => set.command(master, 'SCRIPT', 'LOAD', 'return 1'),
      undo: () => set.command(master, 'SCRIPT', 'FLUSH'),
      level: 'note',
      id: 'note',
      shows: /has \d of \d scripts in its cache, which is not replicated/,
    },
    {
      what: 'a writer that comes through no Holdfast',
      plant: () => connectOther('SET', 'k', 'v'),
      undo: closeOther,
      id: 'writers.other',
      shows: /1 client comes through no Holdfast and write: 127\.0\.0\.1:\d+ \(nightly-job, last command set\)/,
      force: 'writers.other',
    },
    {
      what: 'a reader that comes through no Holdfast',
      plant: () => connectOther('GET', 'k'),
      undo: closeOther,
      level: 'warning',
      id: 'clients.direct',
      shows: /1 client comes through no Holdfast, and did not write last: .*nightly-job, last command get/,
    },
    {
      what: 'a user of ours that may not list clients',
      words: ['--redis-username', 'app', '--redis-password', 'secret'],
      plant: () => user(set.nodes, '+@all', '-client|list'),
      undo: noUser,
      id: 'writers.unknown',
      shows: /our user may not run CLIENT LIST/,
      force: 'writers.unknown',
    },
    {
      what: 'less time than a failover takes',
      words: ['--timeout', '1s'],
      id: 'timeout.too_short',
      shows: /1000 ms is shorter than a failover/,
    },
  ]
  for (const { what, words = [], path = stage.path, plant, undo, level = 'problem', id, shows, force } of planted) {
    await t.test(`planted — ${what} — ${id}`, async t => {
      await plant?.()
      try {
        const { code, report } = await runSwitchover(t, { set, path }, ['--dry-run', ...words])
        const told = report.findings.filter(one => one.id === id && one.level === level)
        const all = told.map(one => `${one.subject} ${one.text} ${one.remedy ?? ''}`)
        t.ok(
          all.some(text => shows.test(text)),
          `${shows}: ${JSON.stringify(report.findings, null, 1)}`,
        )
        t.equal(code, level === 'problem' ? 1 : 0)
        t.equal(report.plan === null, level === 'problem', 'a problem leaves no plan')
        if (force === undefined) return
        const forced = await runSwitchover(t, stage, ['--dry-run', '--force', force, ...words])
        t.equal(forced.code, 0, JSON.stringify(forced.report.findings, null, 1))
        t.ok(forced.report.findings.some(one => one.id === id && /accepted with --force/.test(one.text)))
      } finally {
        await undo?.()
      }
    })
  }

  await t.test('the rights of docs/access.md and docs/switchover.md — are enough — with nothing besides', async t => {
    const least = async (nodes: readonly Node[], name: string): Promise<void> => {
      const rules = [...rulesOf('access', name), ...rulesOf('switchover', name)]
      const taken = await Promise.all(
        nodes.map(node => set.command(node, 'ACL', 'SETUSER', 'app', 'reset', 'on', '>secret', ...rules)),
      )
      t.ok(taken.every(one => one === 'OK'))
    }
    await least(set.nodes, 'holdfast')
    await least(set.sentinels, 'watcher')
    t.teardown(noUser)
    const node = ['--redis-username', 'app', '--redis-password', 'secret']
    const sentinel = ['--sentinel-username', 'app', '--sentinel-password', 'secret']
    const { code, report } = await runSwitchover(t, stage, ['--dry-run', ...node, ...sentinel])
    t.equal(code, 0, JSON.stringify(report.findings, null, 1))
    t.strictSame(
      report.findings.filter(({ level, text }) => level !== 'ok' && !/COORDINATED/.test(text)),
      [],
    )
  })

  await t.test('planted — a failover under way — failover.under_way', async t => {
    // Whom the Sentinel chooses does not answer: the failover goes on until failover-timeout. Holdfast must not wait as
    // long for the same nodes.
    await set.stop(first)
    await set.stop(second)
    await set.failover()
    try {
      const { code, report } = await runSwitchover(t, stage, ['--dry-run', '--answer-timeout', '1s'])
      t.equal(code, 1)
      const told = report.findings.find(({ id }) => id === 'failover.under_way')
      t.match(told, { level: 'problem', text: /leads a failover of this master now/ }, JSON.stringify(report.findings))
    } finally {
      await set.resume(first)
      await set.resume(second)
    }
  })

  await t.test('wrong options — exit code 2 — and are named', async t => {
    for (const words of [['--max-lag', 'much'], ['--timeout', '1ms'], ['--force', 'everything'], ['queue']]) {
      await t.rejects(runSwitchover(t, stage, words), /exit code 2: (.|\n)*(--max-lag|--timeout|--force|argument 1)/)
    }
  })
})
