// What the log writes of an exception: where it was, and nothing that a client or Holdfast has said to a server.
import t from 'tap'
import { createLog } from '../../../src/ops/log.ts'

const repeated = "ERR unknown command 'AUTH', with args beginning with: 'default' 'secret' "

/** The line that is written for what stands under `err`, as text and read. */
function logged(err: unknown): { line: string; err: { readonly stack?: string } } {
  const lines: string[] = []
  createLog('info', { write: line => void lines.push(line) }).error({ event: 'process.bug', err }, 'a text')
  const [line = ''] = lines
  return { line, err: JSON.parse(line).err }
}

t.test('log — an error of a command, which the server has repeated — has no argument of it', async t => {
  const error = new Error(repeated)
  const { line, err } = logged(
    Object.assign(error, { command: { name: 'auth', args: ['default', 'secret'] }, code: 'E' }),
  )
  t.match(err, { type: 'Error', message: "ERR unknown command 'AUTH'", code: 'E' })
  t.match(err.stack, /^Error: ERR unknown command 'AUTH'\n +at .*log\.test\.ts/)
  t.notMatch(line, /secret|default/)
})

t.test('log — an error whose cause is such a one — has no argument of it either', async t => {
  const { line, err } = logged(new Error('outer', { cause: new Error(repeated) }))
  t.match(err, { message: "outer: ERR unknown command 'AUTH'" })
  t.match(err.stack, /^Error: outer\n.*\ncaused by: Error: ERR unknown command 'AUTH'\n +at /s)
  t.notMatch(line, /secret|default/)
})

t.test('log — what is no error — is written as it is, but for such arguments', async t => {
  t.equal(logged('NOPERM no right').err, 'NOPERM no right')
  t.equal(logged(repeated).err, "ERR unknown command 'AUTH'")
  t.equal(logged(null).err, null)
  t.equal(logged(undefined).err, undefined)
})
