import t from 'tap'
import { ClientIds, rewriteHelloId, rewriteRedirect } from '../../../../src/client/state/client-ids.ts'

t.test('client ids — lead back to their session, and a server’s own id to none', t => {
  const ids = new ClientIds()
  for (const session of [1, 2, 65_000, 10_000_000]) t.equal(ids.sessionOf(String(ids.of(session))), session)
  for (const text of ['1', '224', '4294967296', '', 'abc', '-4503599627370497', '1099511627777', String(ids.of(0))])
    t.equal(ids.sessionOf(text), undefined, text)
  t.end()
})

t.test('client ids — of two proxies, or of two lives of one — have nothing in common', t => {
  const one = new ClientIds(7)
  const other = new ClientIds(8)
  t.equal(other.sessionOf(String(one.of(1))), undefined)
  t.equal(one.sessionOf(String(other.of(1))), undefined)
  t.ok(Number.isSafeInteger(new ClientIds(2 ** 20 - 17).of(2 ** 33)), 'the last range, with room')
  const first = new Set(Array.from({ length: 50 }, () => new ClientIds().of(1)))
  t.ok(first.size >= 49, 'by chance')
  t.end()
})

t.test('HELLO — tells the session’s id — and nothing else is changed', t => {
  const before = '%2\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:17\r\n'
  t.equal(rewriteHelloId(Buffer.from(before), 5).toString(), before.replace(':17\r\n', ':5\r\n'))
  t.equal(rewriteHelloId(Buffer.from('-NOPROTO no\r\n'), 5).toString(), '-NOPROTO no\r\n')
  t.end()
})

t.test('CLIENT TRACKINGINFO — tells the id that the client gave', t => {
  const info = Buffer.from('*2\r\n$8\r\nredirect\r\n:9\r\n')
  t.equal(rewriteRedirect(info, '77').toString(), '*2\r\n$8\r\nredirect\r\n:77\r\n')
  t.end()
})
