import t from 'tap'
import { parseHello } from '../../../../src/client/commands/identity.ts'

const words = (text: string): Buffer[] => text.split(' ').map(word => Buffer.from(word))

t.test('HELLO — is understood where the server would accept it, and only there', t => {
  const none = { username: null, password: null, name: null }
  t.strictSame(parseHello(words('HELLO 3')), { protocol: 3, ...none })
  t.strictSame(parseHello(words('hello 2 auth bob pw setname me')), {
    protocol: 2,
    username: 'bob',
    password: 'pw',
    name: 'me',
  })
  t.strictSame(parseHello(words('HELLO 3 SETNAME me')), { protocol: 3, ...none, name: 'me' })
  for (const bad of ['HELLO', 'HELLO 4', 'HELLO 03', 'HELLO 3 AUTH bob', 'HELLO 3 SETNAME', 'HELLO 3 NO'])
    t.equal(parseHello(words(bad)), undefined, bad)
  t.end()
})
