// What clients send and make servers answer may have any shape: it is never a reason to end, for them or for others.
import t from 'tap'
import { startSingle, startSingleProcess } from '../support/holdfast.ts'
import { RespClient } from '../support/resp-client.ts'
import { waitUntil } from '../support/wait-until.ts'

/** Lua that answers a table nested `depth` deep. */
const nested = (depth: number): string => `local t = {} for i = 1, ${depth} do t = {t} end return t`

/** Sends inline-free commands and gathers raw bytes: the test client's own decoder need not survive the reply. */
async function raw(port: number): Promise<{ send(...lines: string[][]): void; text(): string; end(): void }> {
  const { connect } = await import('node:net')
  const socket = connect(port, '127.0.0.1')
  let seen = ''
  socket.setEncoding('latin1').on('data', (text: string) => {
    seen += text
  })
  socket.on('error', () => {})
  return {
    send: (...commands) => {
      for (const args of commands)
        socket.write(`*${args.length}\r\n${args.map(arg => `$${arg.length}\r\n${arg}\r\n`).join('')}`)
    },
    text: () => seen,
    end: () => void socket.destroy(),
  }
}

for (const [name, greeting] of [
  ['RESP2', []],
  ['RESP3', [['HELLO', '3']]],
] as const) {
  t.test(
    `EXEC — passes a reply nested 7,900 deep to its client — with a SELECT in the transaction, ${name}`,
    async t => {
      const { holdfast } = await startSingleProcess(t)
      const other = await RespClient.connect(holdfast.port)
      t.teardown(() => other.close())
      t.equal(await other.send('SET', 'before', '1'), 'OK')
      const client = await raw(holdfast.port)
      t.teardown(() => client.end())
      client.send(...greeting.map(args => [...args]), ['MULTI'], ['SELECT', '1'])
      await waitUntil('the SELECT is queued', () => client.text().includes('+QUEUED'), { withinMs: 20_000 })
      client.send(['EVAL', nested(7_900), '0'])
      await waitUntil('the EVAL is queued', () => client.text().split('+QUEUED').length === 3, { withinMs: 20_000 })
      client.send(['EXEC'])
      const whole = `*2\r\n+OK\r\n${'*1\r\n'.repeat(7_900)}*0\r\n`
      await waitUntil('the reply is there', () => client.text().endsWith(whole), { withinMs: 20_000 })
      client.send(['SET', 'elsewhere', '1'], ['PING'])
      await waitUntil('it goes on', () => client.text().endsWith('+OK\r\n+PONG\r\n'), { withinMs: 20_000 })
      t.equal(await other.send('GET', 'before'), '1', 'the other session has its socket')
      t.equal(await other.send('GET', 'elsewhere'), null, 'the SELECT inside has taken effect')
      t.equal(await other.send('SELECT', '1'), 'OK')
      t.equal(await other.send('GET', 'elsewhere'), '1')
    },
  )
}

t.test('EXEC — leaves the database as it was — when the SELECT inside fails', async t => {
  const { holdfast } = await startSingle(t)
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  await client.send('MULTI')
  await client.send('SELECT', '99')
  await client.send('SELECT', '2')
  await client.send('SELECT', 'x')
  await client.send('EXEC')
  t.equal(await client.send('SET', 'k', 'v'), 'OK')
  const other = await RespClient.connect(holdfast.port)
  t.teardown(() => other.close())
  await other.send('SELECT', '2')
  t.equal(await other.send('GET', 'k'), 'v', 'only the one that succeeded counts')
})
