// `holdfast check` against one real set in which one thing after the other is made wrong, and put right again.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { runCheck } from '../support/check.ts'
import { startHoldfast } from '../support/holdfast.ts'
import { RespClient } from '../support/resp-client.ts'
import { type Node, SentinelSet } from '../support/sentinel-set.ts'
import { freePort } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

/** The rules of a user as a page has them, behind its password. */
function rulesOf(name: 'access' | 'exactly-once', user: string): string[] {
  const page = readFileSync(new URL(`../../docs/${name}.md`, import.meta.url), 'utf8')
  const [, rules = 'none'] = new RegExp(`^ACL SETUSER ${user} (?:on >\\S+ )?(.*)$`, 'm').exec(page) ?? []
  return rules.split(' ')
}

interface Planted {
  readonly what: string
  readonly options?: Readonly<Record<string, string>>
  /** Makes it wrong. */
  readonly plant?: () => Promise<unknown>
  readonly undo?: () => Promise<unknown>
  readonly problem?: RegExp
  readonly warning?: RegExp
}

t.test('check', async t => {
  // The one warning that a set on one host cannot be without is asserted below; the rest must be silent.
  const set = await SentinelSet.start({ dataConfig: ['min-replicas-to-write 1', 'maxclients 12000'] })
  t.teardown(() => set.stopAll())
  const [master, first, second] = set.nodes
  const [s1, s2, s3] = set.sentinels
  if (!master || !first || !second || !s1 || !s2 || !s3) throw new Error('a set of three and three')
  const sentinels = set.sentinelAddresses().join(',')
  const seed = `127.0.0.1:${s1.port}`
  const onAll = (nodes: readonly Node[], ...command: string[]): Promise<unknown> =>
    Promise.all(nodes.map(node => set.command(node, ...command)))
  const config = (nodes: readonly Node[], name: string, value: string): Promise<unknown> =>
    onAll(nodes, 'CONFIG', 'SET', name, value)
  const sentinelSet = (name: string, value: string): Promise<unknown> =>
    onAll(set.sentinels, 'SENTINEL', 'SET', 'mymaster', name, value)
  const user = (nodes: readonly Node[], ...rights: string[]): Promise<unknown> =>
    onAll(nodes, 'ACL', 'SETUSER', 'app', 'reset', 'on', '>secret', '~*', '&*', ...rights)
  const noUser = (): Promise<unknown> => onAll([...set.nodes, ...set.sentinels], 'ACL', 'DELUSER', 'app')
  const oneHost = /^Sentinels: all are on one host \(127\.0\.0\.1\).*\[remedy: /

  await t.test('check — finds no problem, exit code 0 — in a healthy set, from one seed', async t => {
    const result = await runCheck({ sentinels: seed })
    t.equal(result.code, 0, result.output)
    t.strictSame(result.problems, [])
    t.equal(result.warnings.length, 1, result.output)
    t.match(result.warnings[0], oneHost)
    for (const node of set.sentinels) t.match(result.output, ` ok       Sentinel 127.0.0.1:${node.port} `)
    for (const node of set.nodes) t.match(result.output, new RegExp(` ok +(master|replica) 127.0.0.1:${node.port} `))
    t.match(result.output, '3 of 3 that answer name')
    t.match(result.output, /note +clients +a command time-out of their own shorter than 4\.5 s .* longer than 60 s/)
  })

  const closed = await freePort()
  const isLinked = async (): Promise<boolean> => String(await set.command(second, 'ROLE')).includes('connected')
  let kept: RespClient | null = null
  const planted: Planted[] = [
    {
      what: 'a seed at which nothing listens',
      options: { sentinels: `${sentinels},127.0.0.1:${closed}` },
      problem: new RegExp(
        `^Sentinel 127.0.0.1:${closed}: cannot be reached from here \\(ECONNREFUSED\\) \\[remedy: start it`,
      ),
    },
    {
      what: 'a seed whose name cannot be resolved',
      options: { sentinels: `${seed},no-such-host.invalid` },
      problem: /^Sentinel no-such-host\.invalid:26379: the name no-such-host\.invalid cannot be resolved/,
    },
    {
      what: 'a data node given as a Sentinel',
      options: { sentinels: `${seed},127.0.0.1:${master.port}` },
      problem: new RegExp(`^Sentinel 127.0.0.1:${master.port}: is no Sentinel`),
    },
    {
      what: 'a master name that the Sentinels do not know',
      options: { master: 'mymastre' },
      problem: /^Sentinel .*: does not know the master name mymastre; it knows: mymaster \[remedy: correct --master/,
    },
    {
      what: 'a port of our own that is taken',
      options: { listen: `127.0.0.1:${master.port}` },
      problem: new RegExp(`^listen 127.0.0.1:${master.port}: something else listens there`),
    },
    {
      what: 'a hold time shorter than a failover',
      options: { 'hold-timeout': '3s' },
      problem: /^--hold-timeout: a command waits 3 s at most, and a failover takes about 4\.5 s/,
    },
    {
      what: 'retries that are used up before a failover is over',
      options: { 'max-retries': '3', 'retry-backoff-min': '1s', 'retry-backoff-max': '1s' },
      problem: /^--hold-timeout: a command waits 3 s at most/,
    },
    {
      what: 'a failover-timeout that outlasts the hold time',
      plant: () => sentinelSet('failover-timeout', '180000'),
      undo: () => sentinelSet('failover-timeout', '10000'),
      warning: /^--hold-timeout: 60 s outlasts a failover .* but not a second attempt .*360 s later/,
    },
    {
      what: 'a quorum that cannot be reached',
      plant: () => sentinelSet('quorum', '5'),
      undo: () => sentinelSet('quorum', '2'),
      problem:
        /^Sentinels: the quorum is 5, and there are 3 Sentinels.*\[remedy: SENTINEL SET mymaster quorum 2 on each\]/,
    },
    {
      what: 'a quorum of one',
      plant: () => sentinelSet('quorum', '1'),
      undo: () => sentinelSet('quorum', '2'),
      warning: /^Sentinels: the quorum is 1: what a single Sentinel does not see/,
    },
    {
      what: 'Sentinels that are configured differently',
      plant: () => set.command(s1, 'SENTINEL', 'SET', 'mymaster', 'down-after-milliseconds', '2500'),
      undo: () => set.command(s1, 'SENTINEL', 'SET', 'mymaster', 'down-after-milliseconds', '2000'),
      warning: /^Sentinels: they are configured with different down-after-milliseconds: /,
    },
    {
      what: 'a password for Redis that has none',
      options: { 'redis-password': 'secret' },
      problem: new RegExp(`^master 127.0.0.1:${master.port}: has no password, and one is given`),
    },
    {
      what: 'a wrong password for Redis',
      options: { 'redis-username': 'app', 'redis-password': 'wrong' },
      plant: () => user(set.nodes, '+@all'),
      undo: noUser,
      problem: new RegExp(`^master 127.0.0.1:${master.port}: refuses the password of the user app`),
    },
    {
      what: 'a user that is on the master alone',
      options: { 'redis-username': 'app', 'redis-password': 'secret' },
      plant: () => user([master], '+@all'),
      undo: noUser,
      problem: new RegExp(`^replica 127.0.0.1:${first.port}: refuses the password .* ACLs are not replicated`),
    },
    {
      what: 'a Redis user that lacks rights that are needed',
      options: { 'redis-username': 'app', 'redis-password': 'secret' },
      plant: () => user(set.nodes, '+@all', '-role', '-client|kill'),
      undo: noUser,
      problem:
        /^master .*: our user may not run role, client\|kill: .*\[remedy: ACL SETUSER app \+role \+client\|kill, on every/,
    },
    {
      what: 'a Redis user that lacks rights that are useful',
      options: { 'redis-username': 'app', 'redis-password': 'secret' },
      plant: () => user(set.nodes, '+@all', '-script'),
      undo: noUser,
      warning: /^master .*: our user may not run script\|load: .*\[remedy: ACL SETUSER app \+script\|load/,
    },
    {
      what: 'a Redis user with all channels that may not publish: the server takes no further pattern',
      options: { 'redis-username': 'app', 'redis-password': 'secret' },
      plant: () => user(set.nodes, '+@all', '-spublish', '-client|unblock'),
      undo: noUser,
      warning:
        /^master .*\[remedy: ACL SETUSER app \+spublish &holdfast:wait \+client\|unblock, .* \(without &holdfast:wait where the user has &\*\)/,
    },
    {
      what: 'a wrong password for the Sentinels',
      options: { 'sentinel-username': 'app', 'sentinel-password': 'wrong' },
      plant: () => user(set.sentinels, '+@all'),
      undo: noUser,
      problem: /^Sentinel .*: refuses us: WRONGPASS.*\[remedy: correct --sentinel-username and --sentinel-password\]/,
    },
    {
      what: 'a Sentinel user that lacks rights',
      options: { 'sentinel-username': 'app', 'sentinel-password': 'secret' },
      plant: () => user(set.sentinels, '+@all', '-psubscribe', '-subscribe', '-sentinel|master'),
      undo: noUser,
      problem: /^Sentinel .*: our user may not run: sentinel\|master, subscribe \[remedy: allow the user app/,
    },
    {
      what: 'a Sentinel user that may not list replicas: the set has some all the same',
      options: { 'sentinel-username': 'app', 'sentinel-password': 'secret' },
      plant: () => user(set.sentinels, '+@all', '-sentinel|replicas'),
      undo: noUser,
      warning:
        /^Sentinel .*: our user may not run: sentinel\|replicas; .*\[remedy: ACL SETUSER app \+sentinel\|replicas, on/,
    },
    {
      what: 'a port for replicas and a Sentinel user that may not list them',
      options: { 'sentinel-username': 'app', 'sentinel-password': 'secret', 'replica-listen': '127.0.0.1:0' },
      plant: () => user(set.sentinels, '+@all', '-sentinel|replicas'),
      undo: noUser,
      problem:
        /^--replica-listen: our user may not ask the Sentinels for the replicas: .*\+sentinel\|replicas, on every/,
    },
    {
      what: 'a user that may not write markers',
      options: { 'redis-username': 'app', 'redis-password': 'secret', 'retry-policy': 'once' },
      plant: () => user(set.nodes, '+@all', '-hset', '-exec', 'resetkeys', '~app:*'),
      undo: noUser,
      problem:
        /^master .*: our user lacks \+exec \+hset ~__holdfast:\*: .* of --retry-policy once \[remedy: ACL SETUSER app \+exec/,
    },
    {
      what: 'acknowledgements by replicas on the host of the master',
      options: { ack: 'replicated' },
      warning:
        /^--ack replicated=1: all replicas are on the host of the master: .*\[remedy: run replicas on other hosts/,
    },
    {
      what: 'acknowledgements by more replicas than there are',
      options: { ack: 'replicated=3' },
      problem: /^--ack replicated=3: 2 of the 3 replicas that have to confirm are there: .*\[remedy: attach 1 more/,
    },
    {
      what: 'a policy that evicts markers',
      options: { 'retry-policy': 'once' },
      plant: async () => {
        await config(set.nodes, 'maxmemory', '100mb')
        await config(set.nodes, 'maxmemory-policy', 'allkeys-random')
      },
      undo: async () => {
        await config(set.nodes, 'maxmemory-policy', 'noeviction')
        await config(set.nodes, 'maxmemory', '0')
      },
      warning: /^replica .*: maxmemory-policy is allkeys-random: it may evict markers/,
    },
    {
      what: 'no minimum of replicas to write',
      plant: () => config(set.nodes, 'min-replicas-to-write', '0'),
      undo: () => config(set.nodes, 'min-replicas-to-write', '1'),
      warning: /^master .*: min-replicas-to-write is 0: .* writes that will be lost/,
    },
    {
      what: 'a minimum of replicas that a failover leaves no longer',
      plant: () => config(set.nodes, 'min-replicas-to-write', '2'),
      undo: () => config(set.nodes, 'min-replicas-to-write', '1'),
      warning: /^master .*: min-replicas-to-write is 2, as many as there are/,
    },
    {
      what: 'a minimum of replicas that is never reached',
      plant: () => config(set.nodes, 'min-replicas-to-write', '3'),
      undo: () => config(set.nodes, 'min-replicas-to-write', '1'),
      problem: /^master .*: min-replicas-to-write is 3, and 2 are attached: every write is refused/,
    },
    {
      what: 'a server that ends idle connections',
      plant: () => config(set.nodes, 'timeout', '30'),
      undo: () => config(set.nodes, 'timeout', '0'),
      warning: /^master .*: timeout is 30 s: the server ends connections/,
    },
    {
      what: 'fewer connections than there may be sessions',
      plant: () => config(set.nodes, 'maxclients', '500'),
      undo: () => config(set.nodes, 'maxclients', '12000'),
      warning: /^master .*: maxclients is 500, and --max-sessions allows 10000 sessions/,
    },
    {
      what: 'a master that takes no more clients',
      plant: async () => {
        // To undo it by: a new connection would be turned away too.
        kept = await RespClient.connect(master.port)
        await kept.send('CONFIG', 'SET', 'maxclients', '1')
      },
      undo: async () => {
        await kept?.send('CONFIG', 'SET', 'maxclients', '12000')
        await kept?.close()
      },
      problem: /^master .*: takes no more clients \(ERR max number of clients reached/,
    },
    {
      what: 'a replica that has just lost its master, which the Sentinels know with their next INFO',
      plant: () => set.command(second, 'REPLICAOF', '127.0.0.1', String(closed)),
      undo: async () => {
        await set.command(second, 'REPLICAOF', '127.0.0.1', String(master.port))
        await waitUntil('it is linked again', isLinked, { withinMs: 20_000 })
      },
      problem: new RegExp(`^replica 127.0.0.1:${second.port}: its link to the master is down`),
    },
    {
      what: 'TLS towards Redis that it does not speak',
      options: { 'redis-tls': 'on' },
      problem: /^master .*: speaks no TLS, and --redis-tls is on/,
    },
    {
      what: 'TLS towards Sentinels that they do not speak',
      options: { 'sentinel-tls': 'on' },
      problem: /^Sentinel .*: speaks no TLS, and --sentinel-tls is on/,
    },
    {
      what: 'a translation of an address that nobody announces',
      options: { 'nat-map': '10.1.2.3:6379=127.0.0.1:6379' },
      warning: /^--nat-map: nobody announces 10\.1\.2\.3:6379/,
    },
    {
      what: 'a --nat-map that leads all Sentinels to one of them',
      options: { 'nat-map': [s2, s3].map(({ port }) => `127.0.0.1:${port}=127.0.0.1:${s1.port}`).join() },
      problem: new RegExp(
        `^Sentinels: --nat-map leads 127\\.0\\.0\\.1:\\d+, 127\\.0\\.0\\.1:\\d+ to one place, 127\\.0\\.0\\.1:${s1.port}: they count as one`,
      ),
    },
    {
      what: 'a translation that leads nowhere',
      options: { 'nat-map': `127.0.0.1:${master.port}=127.0.0.1:${closed}` },
      problem: /^master .*: cannot be reached from here .*\[remedy: this is where --nat-map sends us/,
    },
  ]

  for (const { what, options = {}, plant, undo, problem, warning } of planted) {
    await t.test(`check — names it — ${what}`, async t => {
      await plant?.()
      const result = await runCheck({ sentinels: seed, ...options })
      await undo?.()
      t.equal(result.code, problem ? 1 : 0, `exit code\n${result.output}${result.stderr}`)
      t.equal(result.stderr, '')
      const named = problem
        ? result.problems.some(line => problem.test(line))
        : result.warnings.some(line => warning?.test(line))
      t.ok(named, `named in\n${result.output}`)
    })
  }

  await t.test('check — says what it does not see — of a user that may not list the masters', async t => {
    await user(set.sentinels, '+@all', '-sentinel|masters')
    const login = { 'sentinel-username': 'app', 'sentinel-password': 'secret' }
    const { code, output } = await runCheck({ sentinels: seed, master: 'mymastre', ...login })
    await noUser()
    t.equal(code, 1, output)
    t.match(output, /does not know the master name mymastre; our user may not run sentinel\|masters/)
    t.notMatch(output, /watches no master/)
  })

  await t.test('check — misses no right — with those of docs/access.md and docs/exactly-once.md alone', async t => {
    const rules = rulesOf('access', 'holdfast').concat(rulesOf('exactly-once', 'app'), '+wait')
    const taken = await onAll(set.nodes, 'ACL', 'SETUSER', 'app', 'reset', 'on', '>secret', ...rules)
    t.strictSame(taken, ['OK', 'OK', 'OK'])
    await onAll(set.sentinels, 'ACL', 'SETUSER', 'app', 'reset', 'on', '>secret', ...rulesOf('access', 'watcher'))
    const login = { 'redis-username': 'app', 'redis-password': 'secret' }
    const watch = { 'sentinel-username': 'app', 'sentinel-password': 'secret' }
    const result = await runCheck({ sentinels: seed, ...login, ...watch, 'retry-policy': 'once', ack: 'replicated' })
    await noUser()
    t.equal(result.code, 0, result.output)
    t.notMatch([...result.problems, ...result.warnings].join('\n'), /our user/)
    t.match(result.output, / note +Sentinels +whether their quorum is there is left out: .* sentinel\|ckquorum\n/)
  })

  await t.test('check — misses no right — where one of the two ways to subscribe is allowed', async t => {
    for (const denied of ['-psubscribe', '-subscribe']) {
      await user(set.sentinels, '+@all', denied)
      const result = await runCheck({ sentinels: seed, 'sentinel-username': 'app', 'sentinel-password': 'secret' })
      await noUser()
      t.equal(result.code, 0, result.output)
      t.notMatch(result.output, /may not run/)
    }
  })

  await t.test('check — has one line for markers, and leaves none behind — with --retry-policy once', async t => {
    const result = await runCheck({ sentinels: seed, 'retry-policy': 'once' })
    t.equal(result.code, 0, result.output)
    t.equal(result.warnings.length, 1, result.output)
    t.match(result.output, / ok +markers +our user has the rights that they need/)
    t.equal(await set.command(master, 'DBSIZE'), 0)
  })

  await t.test('check — sees that the port is its own — when a Holdfast runs there', async t => {
    const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses() })
    const result = await runCheck({ sentinels: seed, listen: `127.0.0.1:${holdfast.port}` })
    t.equal(result.code, 0, result.output)
    t.match(result.output, / ok +listen .* a Holdfast listens there already/)
  })

  await t.test('check — names --nat-map as the remedy — for an address that holds only elsewhere', async t => {
    // The whole of 127.0.0.0/8 is this host, and nothing listens at this address of it.
    await set.command(s3, 'SENTINEL', 'CONFIG', 'SET', 'announce-ip', '127.0.0.2')
    const named = async (): Promise<boolean> => {
      const { problems } = await runCheck({ sentinels: seed })
      const wanted = `Sentinel 127.0.0.2:${s3.port}: cannot be reached from here`
      return problems.some(line => line.startsWith(wanted) && line.includes(`--nat-map 127.0.0.2:${s3.port}=HOST:PORT`))
    }
    await waitUntil('the other Sentinels know its new address', named, { withinMs: 30_000 })
    const mapped = await runCheck({ sentinels: seed, 'nat-map': `127.0.0.2:${s3.port}=127.0.0.1:${s3.port}` })
    t.equal(mapped.code, 0, mapped.output)
    t.strictSame(mapped.problems, [])
    const bySeed = await runCheck({
      sentinels: `127.0.0.1:${s3.port}`,
      'nat-map': `127.0.0.2:${s3.port}=127.0.0.1:${s3.port}`,
    })
    t.notMatch(bySeed.warnings.join(), /--nat-map/, 'the rule of a Sentinel that is given by the address to dial')
    await set.command(s3, 'SENTINEL', 'CONFIG', 'SET', 'announce-ip', '127.0.0.1')
    const restored = async (): Promise<boolean> => {
      return (await runCheck({ sentinels: seed })).output.includes(` ok       Sentinel 127.0.0.1:${s3.port} `)
    }
    await waitUntil('the other Sentinels know the old one again', restored, { withinMs: 30_000 })
  })

  await t.test('check — names replicas that may not take over', async () => {
    await config([first, second], 'replica-priority', '0')
    const named = async (): Promise<boolean> => {
      const result = await runCheck({ sentinels: seed })
      return result.code === 1 && result.problems.some(line => /every replica has replica-priority 0/.test(line))
    }
    await waitUntil('the Sentinels know it (they read INFO every 10 s)', named, { withinMs: 40_000 })
    await config([first, second], 'replica-priority', '100')
  })

  await t.test('check — names a replica that is gone', async t => {
    await set.kill(second)
    const seen = async (): Promise<boolean> => {
      const { problems } = await runCheck({ sentinels: seed })
      return problems.some(line => line.startsWith(`replica 127.0.0.1:${second.port}: the Sentinels see it down`))
    }
    await waitUntil('the Sentinels see it down', seen, { withinMs: 40_000 })
    const { problems, code } = await runCheck({ sentinels: seed })
    t.equal(code, 1)
    t.ok(problems.some(line => line.startsWith(`replica 127.0.0.1:${second.port}: cannot be reached`)))
  })

  // Late, as it is in TILT mode for a while when it wakes up.
  await t.test('check — names a Sentinel that hangs', async t => {
    await set.stop(s3)
    const { problems, code, output } = await runCheck({ sentinels: seed })
    t.equal(code, 1, output)
    const wanted = `Sentinel 127.0.0.1:${s3.port}: accepts the connection and says nothing`
    t.ok(
      problems.some(line => line.startsWith(wanted)),
      output,
    )
    await set.resume(s3)
  })

  await t.test('check — names a minority — when two of three Sentinels are gone', async t => {
    await set.kill(s2)
    await set.kill(s3)
    const noticed = async (): Promise<boolean> => {
      const { problems } = await runCheck({ sentinels: seed })
      return problems.some(line => line.startsWith(`Sentinel 127.0.0.1:${s1.port}: NOQUORUM`))
    }
    await waitUntil('the third Sentinel notices', noticed, { withinMs: 30_000 })
    const { problems, code, output } = await runCheck({ sentinels: seed })
    t.equal(code, 1)
    t.ok(
      problems.some(line => /^Sentinels: only 1 of 3 can be asked about this master; a majority is 2/.test(line)),
      output,
    )
  })
})
