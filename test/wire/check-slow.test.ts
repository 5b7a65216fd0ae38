// `holdfast check` where the way to a server is slow: --connect-timeout and --answer-timeout hold for it as for the proxy.
import { connect } from 'node:net'
import t from 'tap'
import { runCheck } from '../support/check.ts'
import { FakeSentinel } from '../support/fake-sentinel.ts'
import { FaultyLink } from '../support/faulty-link.ts'
import {
  anyFlavour,
  endServer,
  makeFolder,
  removeFolder,
  resumeServer,
  startServer,
  stopServer,
} from '../support/servers.ts'

t.test('check — waits for an answer as long as --answer-timeout says — and names it where none came', async t => {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const master = await startServer({ flavour: anyFlavour(), kind: 'data', name: 'one', dir, config: ['save ""'] })
  t.teardown(() => endServer(master))
  const wire = await FaultyLink.start(t, master)
  const sentinel = await FakeSentinel.start(t, { master: { host: wire.host, port: wire.port } })
  wire.delay(1500)
  const about = (lines: readonly string[]) =>
    lines.filter(line => line.startsWith(`master ${wire.host}:${wire.port}: `))
  const sentinels = `${sentinel.host}:${sentinel.port}`

  const impatient = await runCheck({ sentinels, 'answer-timeout': '1s' })
  t.match(about(impatient.problems), [
    /says nothing for 1000 ms \(--answer-timeout\) \[remedy: .* raise --answer-timeout above 1000ms\]$/,
  ])

  const patient = await runCheck({ sentinels, 'answer-timeout': '10s' })
  t.notMatch(about(patient.problems).join('\n'), /says nothing|no answer|cannot be reached/)
})

t.test('check — waits for a connection as long as --connect-timeout says — and names it where none came', async t => {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const config = ['save ""', 'tcp-backlog 1']
  const full = await startServer({ flavour: anyFlavour(), kind: 'data', name: 'full', dir, config })
  t.teardown(() => endServer(full))
  await stopServer(full)
  t.teardown(() => resumeServer(full))
  // The queue of a stopped server takes two or three; it leaves whoever comes then without a word.
  for (let i = 0; i < 8; i++) {
    const socket = connect(full.port, full.host).on('error', () => undefined)
    t.teardown(() => socket.destroy())
  }
  const { problems } = await runCheck({ sentinels: `${full.host}:${full.port}`, 'connect-timeout': '1900ms' })
  t.match(
    problems[0],
    /no connection within 1900 ms, --connect-timeout\) \[remedy: .* raise --connect-timeout above 1900ms\]$/,
  )
})
