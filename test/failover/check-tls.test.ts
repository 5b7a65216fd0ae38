// `holdfast check` where everything speaks TLS: nothing to complain of with the right options, and one line that names
// the mistake with each of the wrong ones.
import t from 'tap'
import { Authority } from '../support/certificates.ts'
import { runCheck } from '../support/check.ts'
import { startHoldfast } from '../support/holdfast.ts'
import { without } from '../support/needs.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { TlsScene } from '../support/tls-scene.ts'

/** All options but those of these names. */
function omit(options: Readonly<Record<string, string>>, ...names: string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !names.includes(name)))
}

t.test('check — against a whole set by TLS', { skip: without('openssl') }, async t => {
  const tls = await TlsScene.make(t)
  // So long that a busy machine promotes nothing.
  const set = await SentinelSet.start({ tls: tls.serverOptions(), downAfterMs: 20_000 })
  t.teardown(() => set.stopAll())
  const right = { sentinels: set.sentinelAddresses().join(','), ...tls.holdfast('redis', 'sentinel') }
  const other = new Authority(tls.dir, 'other-ca')
  const stranger = other.issue('stranger')
  const node = 'master 127\\.0\\.0\\.1:\\d+'
  const sentinel = 'Sentinel 127\\.0\\.0\\.1:\\d+'

  await t.test('finds nothing wrong — exit code 0 — with the right options', async t => {
    const { code, problems, warnings, output } = await runCheck(right)
    t.equal(code, 0, output)
    t.strictSame(problems, [])
    t.strictSame(
      warnings.filter(line => /tls|certificate/i.test(line)),
      [],
    )
    t.match(output, /3 of 3 that answer name/)
    t.match(output, /says it is a master, 2 replicas attached/)
  })

  const mistakes: { what: string; options: Record<string, string>; problem: string }[] = [
    {
      what: 'the CA of somebody else for Redis',
      options: { ...right, 'redis-tls-ca': other.ca },
      problem: `${node}: no TLS connection comes about: .*(self-signed|unable to).*is not signed by a CA that is trusted here: correct --redis-tls-ca`,
    },
    {
      what: 'the CA of somebody else for the Sentinels',
      options: { ...right, 'sentinel-tls-ca': other.ca },
      problem: `${sentinel}: no TLS connection comes about: .*correct --sentinel-tls-ca`,
    },
    {
      what: 'a server name that Redis does not bear',
      options: { ...right, 'redis-tls-server-name': 'redis.example' },
      problem: `${node}: no TLS connection comes about: .*altnames.*or set --redis-tls-server-name`,
    },
    {
      what: 'a server name that the Sentinels do not bear',
      options: { ...right, 'sentinel-tls-server-name': 'sentinel.example' },
      problem: `${sentinel}: no TLS connection comes about: .*altnames.*or set --sentinel-tls-server-name`,
    },
    {
      what: 'no certificate of ours for Redis',
      options: omit(right, 'redis-tls-cert', 'redis-tls-key'),
      problem: `${node}: no TLS connection comes about: .*wants a certificate from us.*set --redis-tls-cert and --redis-tls-key`,
    },
    {
      what: 'no certificate of ours for the Sentinels',
      options: omit(right, 'sentinel-tls-cert', 'sentinel-tls-key'),
      problem: `${sentinel}: no TLS connection comes about: .*set --sentinel-tls-cert and --sentinel-tls-key`,
    },
    {
      what: 'a certificate of ours that Redis does not trust',
      options: { ...right, 'redis-tls-cert': stranger.cert, 'redis-tls-key': stranger.key },
      problem: `${node}: no TLS connection comes about: .*--redis-tls-cert`,
    },
    {
      what: 'no TLS option for Redis',
      options: omit(right, 'redis-tls', 'redis-tls-ca', 'redis-tls-cert', 'redis-tls-key'),
      problem: `${node}: speaks TLS, our options do not \\[remedy: set --redis-tls on`,
    },
    {
      what: 'no TLS option for the Sentinels',
      options: omit(right, 'sentinel-tls', 'sentinel-tls-ca', 'sentinel-tls-cert', 'sentinel-tls-key'),
      problem: `${sentinel}: speaks TLS, our options do not \\[remedy: set --sentinel-tls on`,
    },
  ]
  for (const { what, options, problem } of mistakes) {
    await t.test(`names it — exit code 1 — ${what}`, async t => {
      const { code, problems, output } = await runCheck(options)
      t.equal(code, 1, output)
      t.ok(
        problems.some(line => new RegExp(`^${problem}`).test(line)),
        output,
      )
    })
  }

  await t.test('names a missing certificate — where servers speak TLS 1.2 alone', async t => {
    for (const one of [...set.nodes]) await set.command(one, 'CONFIG', 'SET', 'tls-protocols', 'TLSv1.2')
    const { code, output } = await runCheck(right)
    t.equal(code, 0, output)
    const bare = await runCheck(omit(right, 'redis-tls-cert', 'redis-tls-key'))
    t.equal(bare.code, 1, bare.output)
    t.ok(
      bare.problems.some(line => new RegExp(`^${node}: no TLS connection comes about: .*--redis-tls-cert`).test(line)),
      bare.output,
    )
    const strict = await runCheck({ ...right, 'redis-tls-min-version': 'TLSv1.3' })
    t.equal(strict.code, 1, strict.output)
    t.ok(
      strict.problems.some(line => new RegExp(`^${node}: no TLS connection .*--redis-tls-min-version`).test(line)),
      strict.output,
    )
    for (const one of set.nodes) await set.command(one, 'CONFIG', 'SET', 'tls-protocols', '')
  })

  await t.test(
    'knows the Holdfast that runs already — by TLS, with certificates of clients, with a password',
    async t => {
      const cases: Record<string, string>[] = [
        tls.holdfast('listen'),
        tls.holdfast('listen', 'mutual'),
        { 'client-password': 'of-clients' },
        { ...tls.holdfast('listen'), 'client-password': 'of-clients' },
      ]
      for (const own of cases) {
        const options = { ...tls.holdfast('redis', 'sentinel'), ...own }
        const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses(), options })
        const { code, output } = await runCheck({ ...right, ...own, listen: `127.0.0.1:${holdfast.port}` })
        t.equal(code, 0, output)
        t.match(output, 'a Holdfast listens there already')
        t.notMatch(output, 'of-clients')
        await holdfast.stop()
      }
    },
  )

  await t.test('takes another server at our port for what it is — also one that asks for a password', async t => {
    const [master] = set.nodes
    const listen = `127.0.0.1:${master?.port ?? 0}`
    const { code, problems } = await runCheck({ ...right, ...tls.holdfast('listen'), listen })
    t.equal(code, 1)
    t.ok(problems.some(line => line.startsWith(`listen ${listen}: something else listens there`)))
  })
})
