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

/** A name server whose answers the test gives, and a clock that the test moves. */
function scene() {
  const asked: PromiseWithResolvers<readonly Resolved[]>[] = []
  const stale: string[] = []
  const time = { now: 1_000 }
  const { lookup, follow } = createNameLookup({
    clock: () => time.now,
    resolve: () => {
      const answer = Promise.withResolvers<readonly Resolved[]>()
      asked.push(answer)
      return answer.promise
    },
    onStale: (name, cause, addresses) => void stale.push(`${name} ${cause} ${addresses.join()}`),
  })
  return { asked, stale, time, lookup, follow }
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

const TEN_MINUTES = 600_000

t.test('look-up that fails — answers the error — where the last good address is old', async t => {
  const { asked, stale, time, lookup } = scene()
  const first = ask(lookup, 'redis')
  asked[0]?.resolve(at('10.0.0.1'))
  await first
  time.now += TEN_MINUTES
  const second = ask(lookup, 'redis')
  asked[1]?.reject(failure('EAI_AGAIN'))
  t.equal(await second, '10.0.0.1')
  time.now += 1
  const third = ask(lookup, 'redis')
  asked[2]?.reject(failure('EAI_AGAIN'))
  t.equal(await third, 'EAI_AGAIN', 'that address may be a stranger by now')
  t.equal(stale.length, 1)
})

t.test('look-up that is slow — is awaited — where the last good address is old', async t => {
  const { asked, time, lookup } = scene()
  const first = ask(lookup, 'redis')
  asked[0]?.resolve(at('10.0.0.1'))
  await first
  time.now += TEN_MINUTES + 1
  const second = ask(lookup, 'redis')
  // Longer than a look-up may take before the last address is used.
  setTimeout(() => asked[1]?.resolve(at('10.0.0.2')), 700)
  t.equal(await second, '10.0.0.2')
})

t.test('last good address — holds while a connection to it stands — and for ten minutes after', async t => {
  const { asked, time, lookup, follow } = scene()
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  t.teardown(() => server.close())
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const socket = connect({ host: 'redis', port, lookup })
  follow('redis', socket)
  asked[0]?.resolve(at('127.0.0.1'))
  await new Promise(resolve => socket.once('connect', resolve))
  const fails = async (code: string): Promise<string> => {
    const answer = ask(lookup, 'redis')
    asked.at(-1)?.reject(failure(code))
    return answer
  }
  time.now += 10 * TEN_MINUTES
  t.equal(await fails('EAI_AGAIN'), '127.0.0.1')
  t.equal(await fails('ENOTFOUND'), 'ENOTFOUND', 'the name server says that the name is gone, and has for long')
  socket.destroy()
  await new Promise(resolve => socket.once('close', resolve))
  time.now += TEN_MINUTES
  t.equal(await fails('EAI_AGAIN'), '127.0.0.1')
  time.now += 1
  t.equal(await fails('EAI_AGAIN'), 'EAI_AGAIN')
})

t.test('look-up — gives net.connect what it wants — all addresses, of the family that is asked for', async t => {
  const both: readonly Resolved[] = [
    { address: '::1', family: 6 },
    { address: '127.0.0.1', family: 4 },
  ]
  const { lookup } = createNameLookup({ resolve: async () => both })
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
  const error = await new Promise(resolve => none.lookup('x', { family: 6 }, failed => resolve(failed?.code)))
  t.equal(error, 'ENOTFOUND')
})
