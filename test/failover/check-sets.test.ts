// `holdfast check` against sets that are made wrong from the start, or whose Sentinels contradict the servers.
import t from 'tap'
import { Authority } from '../support/certificates.ts'
import { runCheck } from '../support/check.ts'
import { without } from '../support/needs.ts'
import { hurry } from '../support/sentinel-pace.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { anyFlavour, endServer, freePort, makeFolder, removeFolder, startServer } from '../support/servers.ts'
import { runSwitchover, stageOf } from '../support/switchover.ts'
import { waitUntil } from '../support/wait-until.ts'

const skip = without('openssl')

t.test('check — names it — two Sentinels, and a master without replicas', async t => {
  const set = await SentinelSet.start({ sentinels: 2, replicas: 0, isExact: true })
  t.teardown(() => set.stopAll())
  const { code, problems, warnings, output } = await runCheck({ sentinels: set.sentinelAddresses().join(',') })
  t.equal(code, 1, output)
  t.ok(
    warnings.some(line => /^Sentinels: there are two: with either one gone/.test(line)),
    output,
  )
  t.ok(
    problems.some(line => /^master .*: has no replica that the Sentinels know/.test(line)),
    output,
  )
})

t.test('check — names it — passwords that are asked for and not given', async t => {
  const set = await SentinelSet.start({ sentinels: 1, replicas: 1, requirePass: 'secret', sentinelPass: 'hidden' })
  t.teardown(() => set.stopAll())
  const sentinels = set.sentinelAddresses().join(',')
  const none = await runCheck({ sentinels })
  t.equal(none.code, 1, none.output)
  t.ok(
    none.problems.some(line =>
      /^Sentinel .*: asks for a password, and none is given \[remedy: set --sentinel-pass/.test(line),
    ),
  )

  const half = await runCheck({ sentinels, 'sentinel-password': 'hidden' })
  t.equal(half.code, 0, 'clients may sign in by themselves')
  t.ok(
    half.warnings.some(line => /^master .*: asks for a password, and none is given/.test(line)),
    half.output,
  )
  t.ok(half.warnings.some(line => /^Sentinels: there is one/.test(line)))

  const both = await runCheck({ sentinels, 'sentinel-password': 'hidden', 'redis-password': 'secret' })
  t.equal(both.code, 0, both.output)
  t.strictSame(both.problems, [])
  for (const { output, stderr } of [none, half, both]) t.notMatch(output + stderr, /hidden|secret/)
})

t.test('check — names it — Sentinels that contradict one another and the servers', async t => {
  const set = await SentinelSet.start({ downAfterMs: 20_000 })
  t.teardown(() => set.stopAll())
  const [master, first] = set.nodes
  const [s1, , s3] = set.sentinels
  if (!master || !first || !s1 || !s3) throw new Error('a set of three and three')
  const sentinels = set.sentinelAddresses().join(',')

  await t.test('a master that was made a replica behind their back', async t => {
    await set.command(master, 'REPLICAOF', first.host, String(first.port))
    const { code, problems, output } = await runCheck({ sentinels })
    await set.command(master, 'REPLICAOF', 'NO', 'ONE')
    t.equal(code, 1, output)
    const wanted = `master 127.0.0.1:${master.port}: says it is a replica, the Sentinels say master`
    t.ok(
      problems.some(line => line.startsWith(wanted)),
      output,
    )
  })

  await t.test('a Sentinel that watches another server by the same name', async t => {
    const port = await freePort()
    const other = await startServer({
      flavour: anyFlavour(),
      kind: 'data',
      name: 'other',
      dir: set.dir,
      port,
      config: ['save ""'],
    })
    t.teardown(() => endServer(other))
    await set.command(s3, 'SENTINEL', 'REMOVE', 'mymaster')
    t.equal(await set.command(s3, 'SENTINEL', 'MONITOR', 'mymaster', other.host, String(port), '2'), 'OK')
    const { code, problems, output } = await runCheck({ sentinels })
    t.equal(code, 1, output)
    const named = problems.find(line => line.startsWith('Sentinels: they disagree about the master'))
    t.match(named, `127.0.0.1:${s3.port} says 127.0.0.1:${port}`)
    t.match(named, `127.0.0.1:${s1.port} says 127.0.0.1:${master.port}`)
    t.match(named, 'SENTINEL REMOVE mymaster, then SENTINEL MONITOR mymaster with the right address')
    await set.command(s3, 'SENTINEL', 'RESET', 'mymaster')
    const [, still] = (await set.command(s3, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'mymaster')) as string[]
    t.equal(still, String(port), 'RESET would not help')
    await set.command(s3, 'SENTINEL', 'REMOVE', 'mymaster')
    await set.command(s3, 'SENTINEL', 'MONITOR', 'mymaster', master.host, String(master.port), '2')
    await set.command(s3, 'SENTINEL', 'SET', 'mymaster', 'down-after-milliseconds', '20000')
    const isWhole = async (): Promise<boolean> => (await runCheck({ sentinels })).code === 0
    await waitUntil('the remedy has helped', isWhole, { withinMs: 30_000, everyMs: 500 })
  })
})

t.test('check — names it — a server that speaks TLS where our options do not', { skip }, async t => {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const authority = new Authority(dir)
  const { cert, key } = authority.issue('server')
  const [port, tlsPort] = [await freePort(), await freePort()]
  const tls = [
    `tls-port ${tlsPort}`,
    `tls-cert-file ${cert}`,
    `tls-key-file ${key}`,
    `tls-ca-cert-file ${authority.ca}`,
  ]
  const config = [...tls, 'tls-auth-clients no']
  const node = await startServer({ flavour: anyFlavour(), kind: 'sentinel', name: 'tls', dir, port, config })
  t.teardown(() => endServer(node))
  const { code, problems, output } = await runCheck({ sentinels: `127.0.0.1:${tlsPort}` })
  t.equal(code, 1, output)
  const wanted = `Sentinel 127.0.0.1:${tlsPort}: speaks TLS, our options do not [remedy: set --sentinel-tls on`
  t.ok(
    problems.some(line => line.startsWith(wanted)),
    output,
  )
})

t.test('check — names commands that nodes do not know — and what it cannot look at', async t => {
  const set = await SentinelSet.start({
    flavour: 'redis',
    replicas: 2,
    isExact: true,
    dataConfig: ['ROLE', 'CLIENT', 'SCRIPT', 'CONFIG', 'HMGET'].map(name => `rename-command ${name} ""`),
  })
  t.teardown(() => set.stopAll())
  const sentinels = set.sentinelAddresses().join(',')
  const result = await runCheck({ sentinels, 'retry-policy': 'once' })
  t.equal(result.code, 1, result.output)
  const all = [...result.problems, ...result.warnings].join('\n')
  for (const node of set.nodes) {
    const subject = `(master|replica) ${node.host}:${node.port}: does not know`
    t.match(all, new RegExp(`${subject} ROLE, CLIENT KILL: it cannot see .*rename-command`))
    t.match(all, new RegExp(`${subject} SCRIPT LOAD, CLIENT LIST, .*docs/access.md`))
    t.match(all, new RegExp(`${subject} HMGET, which --retry-policy once needs`))
  }
  t.match(result.output, / note +nodes +how they are configured is left out: not every node knows CONFIG GET\n/)
})

t.test('check and switchover — sign in by HELLO, as the proxy does — at Sentinels without AUTH', async t => {
  const sentinelConfig = ['user app on >hidden ~* &* +@all', 'rename-command AUTH ""']
  const set = await SentinelSet.start({ flavour: 'redis', sentinelConfig })
  t.teardown(() => set.stopAll())
  const login = { 'sentinel-username': 'app', 'sentinel-password': 'hidden' }
  const { holdfast, ...stage } = await stageOf(t, set, { options: login })
  t.equal(holdfast.find('sentinel.trouble'), undefined)
  const sentinels = set.sentinelAddresses().join(',')
  const checked = await runCheck({ sentinels, ...login })
  t.equal(checked.code, 0, checked.output)
  const wrong = await runCheck({ sentinels, ...login, 'sentinel-password': 'other' })
  t.match(wrong.problems[0], /^Sentinel .*: refuses us: WRONGPASS.*\[remedy: correct --sentinel-username/)
  await hurry(set.sentinels)
  const words = Object.entries(login).flatMap(([name, value]) => [`--${name}`, value])
  const { code, report } = await runSwitchover(t, stage, words)
  t.equal(code, 0, JSON.stringify(report, null, 1))
})
