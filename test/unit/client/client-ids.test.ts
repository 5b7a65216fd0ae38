import t from 'tap'
import {
  redirectIn,
  rewriteHelloId,
  rewriteInfoId,
  rewriteRedirect,
  sessionOfId,
  virtualId,
} from '../../../src/client/client-ids.ts'

t.test('client ids — lead back to their session, and a server’s own id to none', t => {
  for (const session of [1, 2, 65_000, 10_000_000]) t.equal(sessionOfId(String(virtualId(session))), session)
  for (const text of ['1', '224', '4294967296', '', 'abc', '-1099511627777', '1099511627776'])
    t.equal(sessionOfId(text), undefined, text)
  t.end()
})

t.test('HELLO — tells the session’s id — and nothing else is changed', t => {
  const before = '%2\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:17\r\n'
  t.equal(rewriteHelloId(Buffer.from(before), 5).toString(), before.replace(':17\r\n', `:${virtualId(5)}\r\n`))
  t.equal(rewriteHelloId(Buffer.from('-NOPROTO no\r\n'), 5).toString(), '-NOPROTO no\r\n')
  t.end()
})

t.test('CLIENT INFO — tells the session’s id, with the right length — in RESP2 and RESP3', t => {
  const line = 'id=17 addr=127.0.0.1:1 name=\n'
  const told = `id=${virtualId(5)} addr=127.0.0.1:1 name=\n`
  t.equal(rewriteInfoId(Buffer.from(`$${line.length}\r\n${line}\r\n`), 5).toString(), `$${told.length}\r\n${told}\r\n`)
  const verbatim = `=${line.length + 4}\r\ntxt:${line}\r\n`
  t.equal(rewriteInfoId(Buffer.from(verbatim), 5).toString(), `=${told.length + 4}\r\ntxt:${told}\r\n`)
  t.end()
})

t.test('REDIRECT — is found among the options of CLIENT TRACKING', t => {
  const args = ['CLIENT', 'TRACKING', 'ON', 'redirect', '77', 'BCAST'].map(word => Buffer.from(word))
  t.strictSame(redirectIn(args), { place: 4, id: '77' })
  t.equal(redirectIn(args.slice(0, 3)), undefined)
  const info = Buffer.from('*2\r\n$8\r\nredirect\r\n:9\r\n')
  t.equal(rewriteRedirect(info, '77').toString(), '*2\r\n$8\r\nredirect\r\n:77\r\n')
  t.end()
})
