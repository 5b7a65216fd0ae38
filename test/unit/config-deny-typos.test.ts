import t from 'tap'
import { denyTypos } from '../../src/config/deny-typos.ts'

const typosOf = (...denyCommands: string[]) => denyTypos([{ denyCommands }])

t.test('deny list — a name that is almost that of a command — is asked about', async t => {
  t.match(typosOf('flushal'), [{ event: 'deny.unknown', command: 'flushal', msg: /did you mean flushall\?/ }])
  t.match(typosOf('Keyz'), [{ command: 'keyz', msg: /did you mean keys\?/ }])
  t.match(typosOf('config|sett'), [{ command: 'config|sett', msg: /did you mean config\|set\?/ }])
  t.match(typosOf('confg|set'), [{ command: 'confg|set', msg: /did you mean config\|set\?/ }])
})

t.test('deny list — a name that is known, or is like no other — is taken as it is', async t => {
  t.strictSame(typosOf('flushall', 'CONFIG|SET', 'debug|sleep', 'keys'), [])
  t.strictSame(typosOf('bf.add', 'json.get', 'renamed-flushall-4711'), [], 'of a module, or renamed')
})

t.test('deny list — the same of several masters — is told once', async t => {
  const denyCommands = ['flushal']
  t.equal(denyTypos([{ denyCommands }, { denyCommands }]).length, 1)
})
