// Name servers that fail, are slow or change their mind, in front of every dial.
import { connect, createServer, type LookupFunction } from 'node:net'
import t from 'tap'
import { createNameLookup, type Resolved } from '../../../src/transport/name-lookup.ts'

const at = (address: string): readonly Resolved[] => [{ address, family: 4 }]
const failure = (code: string): Error => Object.assign(new Error(code), { code })

function ask(lookup: LookupFunction, name: string): Promise<string> {
  return new Promise(resolve => {
    lookup(name, {}, (error, address) => resolve(error ? String(error.code) : String(address)))
  })
}

/** A name server whose answers the test gives. */
function scene() {
  const asked: PromiseWithResolvers<readonly Resolved[]>[] = []
  const stale: string[] = []
  const lookup = createNameLookup({
    resolve: () => {
      const answer = Promise.withResolvers<readonly Resolved[]>()
      asked.push(answer)
      return answer.promise
    },
    onStale: (name, cause, addresses) => void stale.push(`${name} ${cause} ${addresses.join()}`),
  })
  return { asked, stale, lookup }
}

t.test('look-up — is shared — by all dials to one name that come while it is under way', async t => {
  const { asked, lookup } = scene()
  const all = Promise.all([ask(lookup, 'redis'), ask(lookup, 'redis'), ask(lookup, 'redis')])
  t.equal(asked.length, 1)
  asked[0]?.resolve(at('10.0.0.1'))
  t.strictSame(await all, ['10.0.0.1', '10.0.0.1', '10.0.0.1'])
  const later = ask(lookup, 'redis')
  t.equal(asked.length, 2, 'the next dial asks anew')
  asked[1]?.resolve(at('10.0.0.2'))
  t.equal(await later, '10.0.0.2')
})

t.test('look-up that fails — answers the last good address — and the error where there is none', async t => {
  const { asked, stale, lookup } = scene()
  const first = ask(lookup, 'redis')
  asked[0]?.reject(failure('EAI_AGAIN'))
  t.equal(await first, 'EAI_AGAIN')
  const second = ask(lookup, 'redis')
  asked[1]?.resolve(at('10.0.0.1'))
  t.equal(await second, '10.0.0.1')
  for (const code of ['EAI_AGAIN', 'ENOTFOUND']) {
    const next = ask(lookup, 'redis')
    asked.at(-1)?.reject(failure(code))
    t.equal(await next, '10.0.0.1')
  }
  t.strictSame(stale, ['redis EAI_AGAIN 10.0.0.1', 'redis ENOTFOUND 10.0.0.1'])
})

t.test('look-up that is slow — answers the last good address — and none is begun beside it', async t => {
  const { asked, stale, lookup } = scene()
  const first = ask(lookup, 'redis')
  asked[0]?.resolve(at('10.0.0.1'))
  await first
  t.equal(await ask(lookup, 'redis'), '10.0.0.1')
  t.equal(await ask(lookup, 'redis'), '10.0.0.1')
  t.equal(asked.length, 2)
  t.match(stale, [/no answer/, /no answer/])
  asked[1]?.resolve(at('10.0.0.9'))
  const next = ask(lookup, 'redis')
  asked.at(-1)?.resolve(at('10.0.0.9'))
  t.equal(await next, '10.0.0.9')
})

t.test('look-up — gives net.connect what it wants — all addresses, of the family that is asked for', async t => {
  const both: readonly Resolved[] = [
    { address: '::1', family: 6 },
    { address: '127.0.0.1', family: 4 },
  ]
  const lookup = createNameLookup({ resolve: async () => both })
  const server = createServer(socket => socket.end('hello')).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  t.teardown(() => server.close())
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const heard = await new Promise((resolve, reject) => {
    connect({ host: 'a-name.invalid', port, lookup }).once('data', resolve).once('error', reject)
  })
  t.equal(String(heard), 'hello')
  const six = await new Promise(resolve => lookup('x', { family: 6 }, (_error, found) => resolve(found)))
  t.equal(six, '::1')
  const none = createNameLookup({ resolve: async () => at('127.0.0.1') })
  const error = await new Promise(resolve => none('x', { family: 6 }, failed => resolve(failed?.code)))
  t.equal(error, 'ENOTFOUND')
})
