// How a link is told from a client of the server's own, by what CLIENT LIST shows of it.
import t from 'tap'
import { instanceName, instanceOf, libraryThrough } from '../../src/instance.ts'

t.test('instance — is found — in what each link of it is called', async t => {
  t.equal(instanceOf('', libraryThrough('')), instanceName)
  t.equal(instanceOf('worker', libraryThrough('ioredis')), instanceName)
  t.equal(instanceOf('', libraryThrough('redis-py(django-redis_v5)')), instanceName)
  t.equal(instanceOf(instanceName, ''), instanceName)
})

t.test('instance — is found — in no other name', async t => {
  for (const [name, library] of [
    ['', ''],
    ['holdfast-watcher', ''],
    ['holdfast-1234', 'ioredis'],
    ['app', 'holdfast-1f2e3d4'],
    ['app', 'my-holdfast-1f2e3d4c'],
    ['app', 'holdfast-1f2e3d4cc'],
  ] as const)
    t.equal(instanceOf(name, library), null, `${name} ${library}`)
})
