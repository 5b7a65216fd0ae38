import t from 'tap'
import { readHello } from '../../../../src/client/commands/hello.ts'

const words = (text: string): Buffer[] => text.split(' ').map(word => Buffer.from(word))

const read = (text: string) => {
  const { protocol, login, name, rest, error } = readHello(words(text))
  const user = login && `${login.username} ${login.password}`
  return {
    protocol,
    user,
    name: name && String(name),
    rest: rest.join(' '),
    error: error && String(error).slice(0, 12),
  }
}

t.test('HELLO — is understood where the server accepts it, and only there', async t => {
  const none = { user: null, name: null, error: null }
  t.strictSame(read('HELLO'), { protocol: null, ...none, rest: 'HELLO' })
  t.strictSame(read('HELLO 3'), { protocol: 3, ...none, rest: 'HELLO 3' })
  t.strictSame(read('HELLO 3 SETNAME me'), { protocol: 3, ...none, name: 'me', rest: 'HELLO 3 SETNAME me' })
  t.strictSame(read('hello 2 auth bob pw setname me'), {
    protocol: 2,
    user: 'bob pw',
    name: 'me',
    rest: 'hello 2 setname me',
    error: null,
  })
  for (const [bad, error] of [
    ['HELLO 4', '-NOPROTO uns'],
    ['HELLO 03', '-ERR Protoco'],
    ['HELLO 3 AUTH bob', '-ERR Syntax '],
    ['HELLO 3 SETNAME', '-ERR Syntax '],
    ['HELLO 3 NO', '-ERR Syntax '],
  ] as const)
    t.equal(read(bad).error, error, bad)
})

t.test('HELLO — a login is known — although the form is wrong behind it', async t => {
  t.equal(read('HELLO 3 AUTH bob pw BOGUS').user, 'bob pw')
  t.equal(read('HELLO 3 AUTH bob pw SETNAME \u0001').user, 'bob pw')
  t.equal(read('HELLO 4 AUTH bob pw').user, null, 'the server reads no further')
})
