// How a link is told from a client of the server's own, by its name in CLIENT LIST.
import t from 'tap'
import { instanceName, instanceOf } from '../../src/instance.ts'

t.test('instance — is found — in the name of its links', async t => {
  t.equal(instanceOf(instanceName), instanceName)
})

t.test('instance — is found — in no other name', async t => {
  for (const name of ['', 'holdfast-watcher', 'holdfast-1234', 'my-holdfast-1f2e3d4c', 'holdfast-1f2e3d4cc'])
    t.equal(instanceOf(name), null, name)
})
