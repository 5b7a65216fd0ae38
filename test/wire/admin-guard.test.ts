// Who may use the admin port: no web page of a stranger, and nobody alone.
import { hostname } from 'node:os'
import t from 'tap'
import { probes } from '../support/admin.ts'
import { startSingle } from '../support/holdfast.ts'
import { openRawAdmin, statusLine } from '../support/raw-admin.ts'
import { waitUntil } from '../support/wait-until.ts'

const options = { 'admin-listen': '127.0.0.1:0' }

t.test(
  'a name that is not of this host — is answered nothing on the loopback — as a rebound browser would ask',
  async t => {
    const { holdfast } = await startSingle(t, { options })
    const asked = async (host: string, path = '/status'): Promise<string> => {
      const line = await statusLine(holdfast.admin, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
      return line.split(' ')[1] ?? ''
    }
    for (const host of ['evil.example', 'evil.example:9379', '127.0.0.1.evil.example', 'localhost.evil.example.'])
      for (const path of ['/status', '/metrics', '/live', '/none'])
        t.equal(await asked(host, path), '421', `${host}${path}`)
    for (const host of [
      '127.0.0.1',
      '127.0.0.1:9379',
      '[::1]:9379',
      'localhost:9379',
      'LOCALHOST',
      'holdfast:9379',
      hostname(),
    ])
      t.equal(await asked(host), '200', host)
    t.equal(await statusLine(holdfast.admin, 'GET /live HTTP/1.0\r\n\r\n'), 'HTTP/1.1 200 OK', 'without a name')
  },
)

t.test('probes — are answered — while somebody holds more connections open than there may be', async t => {
  const { holdfast } = await startSingle(t, { options })
  const held = Array.from({ length: 200 }, () => openRawAdmin(holdfast.admin, 'GET /live HTTP/1.1\r\nHost: x\r\n'))
  t.teardown(() => {
    for (const { socket } of held) socket.destroy()
  })
  await waitUntil('they are there', () => held.every(({ socket }) => !socket.connecting), { withinMs: 10_000 })
  t.strictSame(await probes(holdfast.admin), { startup: 200, ready: 200, live: 200 })
  await waitUntil('the oldest are ended', () => held.filter(({ socket }) => socket.closed).length >= 72, {
    withinMs: 10_000,
  })
})
