import t from 'tap'
import { MonitorLines } from '../../../../src/client/commands/monitor-lines.ts'
import { encodeCommand } from '../../../../src/resp/encode.ts'
import { LiveLinks } from '../../../../src/upstream/live-links.ts'

const line = (address: string, words: string): Buffer =>
  Buffer.from(
    `+1795634159.123251 [9 ${address}] ${words
      .split(' ')
      .map(word => `"${word}"`)
      .join(' ')}\r\n`,
  )

const node = { host: '10.0.0.1', port: 6379, epoch: 1, runId: null }

/** One was ready before MONITOR, one signs in and ends an old link, one has ended, and one is opened still. */
function scene() {
  const live = new LiveLinks()
  const opening = (...commands: string[]) => ({
    clientId: 1,
    bytes: Buffer.concat(commands.map(command => encodeCommand(command.split(' ')))),
  })
  const link = (port: number, readyAt: number, ...commands: string[]) => {
    const known = { master: node, handshake: opening(...commands), localAddress: `127.0.0.1:${port}`, readyAt }
    const made = { ...known, pauseLarge: () => {}, resume: () => {} }
    live.add(made)
    return made
  }
  link(1, 5, 'HELLO 2', 'PING')
  link(2, 15, 'SELECT 9', 'HELLO 2', 'CLIENT KILL ID 7', 'SELECT 9', 'PING', 'CLIENT SETNAME me')
  live.delete(link(3, 15, 'HELLO 3', 'PING'))
  link(4, Number.POSITIVE_INFINITY, 'HELLO 2', 'PING')
  return new MonitorLines(live, 10)
}

t.test('lines of MONITOR — the opening of a link is ours — and what follows it is its clients’', async t => {
  const monitor = scene()
  const shown = ['HELLO 2', 'SELECT 9', 'PING', 'CLIENT SETNAME me'].map(words =>
    monitor.isOurs(line('127.0.0.1:2', words)),
  )
  t.strictSame(shown, [true, true, true, true], 'refused and administrators’ commands are not shown')
  for (const words of ['PING', 'SELECT 9', 'HELLO 2', 'GET k'])
    t.notOk(monitor.isOurs(line('127.0.0.1:2', words)), words)
})

t.test('lines of MONITOR — are a client’s — where it is not certain', async t => {
  const monitor = scene()
  t.notOk(monitor.isOurs(line('127.0.0.1:1', 'HELLO 2')), 'a link that was ready before MONITOR')
  t.notOk(monitor.isOurs(line('10.0.0.9:2', 'HELLO 2')), 'another address')
  t.notOk(monitor.isOurs(line('lua', 'SELECT 9')), 'a script')
  t.notOk(monitor.isOurs(Buffer.from('+OK\r\n')), 'no line of MONITOR')
  t.ok(monitor.isOurs(line('127.0.0.1:2', 'SELECT 9')))
  t.notOk(monitor.isOurs(line('127.0.0.1:2', 'GET k')), 'an opening that goes on differently')
  t.notOk(monitor.isOurs(line('127.0.0.1:2', 'PING')), 'is over')
})

t.test('lines of MONITOR — of a link whose opening is not answered yet — are ours', async t => {
  const monitor = scene()
  t.ok(monitor.isOurs(line('127.0.0.1:4', 'HELLO 2')))
  t.ok(monitor.isOurs(line('127.0.0.1:4', 'PING')))
})

t.test('lines of MONITOR — of a link that has ended meanwhile — are ours', async t => {
  const monitor = scene()
  t.ok(monitor.isOurs(line('127.0.0.1:3', 'HELLO 3')))
  t.ok(monitor.isOurs(line('127.0.0.1:3', 'PING')))
})
