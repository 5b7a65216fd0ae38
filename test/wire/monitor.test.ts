// MONITOR shows what clients say, and not how Holdfast opens its links.
import { connect } from 'node:net'
import t from 'tap'
import { startSingle } from '../support/holdfast.ts'
import { RespClient } from '../support/resp-client.ts'
import { settings } from '../support/settings.ts'
import { waitUntil } from '../support/wait-until.ts'

t.test('MONITOR — shows the commands of clients alone — while links are opened', async t => {
  const { holdfast } = await startSingle(t)
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  await client.send('SELECT', '9')
  const watcher = connect(holdfast.port, holdfast.host)
  t.teardown(() => watcher.destroy())
  let seen = ''
  watcher.setEncoding('latin1').on('data', (text: string) => {
    seen += text
  })
  watcher.write('SELECT 9\r\nMONITOR\r\n')
  await waitUntil('it monitors', () => seen.startsWith('+OK\r\n+OK\r\n'), { withinMs: 5000 })
  const opened = holdfast.counters.linksOpened
  for (let i = 0; i < 3; i++) {
    await client.send('MULTI')
    await client.send('SET', 'k', String(i))
    await client.send('EXEC')
  }
  await client.send('PING')
  await client.send('ECHO', 'the end')
  t.equal(holdfast.counters.linksLost, 0)
  await waitUntil('links have been opened', () => holdfast.counters.linksOpened > opened, { withinMs: 5000 })
  await client.send('ECHO', 'the very end')
  await waitUntil('the last line', () => seen.includes('the very end'), { withinMs: 5000 })
  const lines = [...seen.matchAll(/^\+[\d.]+ \[\d+ \S+\] (.*)$/gm)].map(([, words = '']) => words.trim())
  // The control plane asks by a connection of its own; of MULTI, SET, EXEC the SET is shown once.
  const ofMarkers = (text: string): boolean =>
    settings.hasMarkers && (text.includes(' "__holdfast:') || text.startsWith('"WAIT"'))
  const words = lines.filter(text => !/^"(INFO|ROLE|CLIENT)"/.test(text) && !ofMarkers(text))
  t.strictSame(
    words.filter(text => !/"SET"|"MULTI"|"EXEC"|"ECHO"/.test(text)),
    ['"PING"'],
  )
  t.equal(words.filter(text => text.startsWith('"SET"')).length, 3)
})

t.test('MONITOR twice in one write — the second is not answered — and what is behind it keeps its reply', async t => {
  const { holdfast, node } = await startSingle(t)
  for (const { port } of [node, holdfast]) {
    const client = await RespClient.connect(port)
    t.teardown(() => client.close())
    await client.send('WATCH', 'k') // on a link of its own
    const replies = await client.sendRaw('MONITOR\r\nMONITOR\r\nRESET\r\nECHO end\r\n', 3)
    t.strictSame(
      replies.map(reply => reply.value),
      ['OK', 'RESET', 'end'],
    )
  }
})
