// What the log writes of an exception: where it was, and nothing that a client or Holdfast has said to a server.
import t from 'tap'
import { createLog } from '../../../src/ops/log.ts'

t.test('log — an error of a command, which the server has repeated — has no argument of it', async t => {
  const lines: string[] = []
  const log = createLog('info', { write: line => void lines.push(line) })
  const error = new Error("ERR unknown command 'AUTH', with args beginning with: 'default' 'secret' ")
  Object.assign(error, { command: { name: 'auth', args: ['default', 'secret'] }, code: 'E' })
  log.error({ event: 'process.bug', err: error }, 'a text')
  const [line = ''] = lines
  const { err } = JSON.parse(line)
  t.match(err, { type: 'Error', message: "ERR unknown command 'AUTH'", code: 'E' })
  t.match(err.stack, /^Error: ERR unknown command 'AUTH'\n +at .*log\.test\.ts/)
  t.notMatch(line, /secret|default/)
})
