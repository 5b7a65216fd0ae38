// Whom a switchover names when the master has moved: the one that the proxy follows, not the one that is gone.
import t from 'tap'
import { type ProxyControl, type Served, servedBy } from '../../../src/switchover/proxy-hold.ts'

/** A proxy that answers these masters in turn, the last one again and again; an Error: it gives no answer. */
function proxyThatServes(...answers: readonly (string | null | Error)[]): ProxyControl {
  const left = [...answers]
  const served = async (): Promise<Served> => {
    const answer = left.length > 1 ? left.shift() : left[0]
    if (answer instanceof Error) throw answer
    return { master: answer ?? null } as Served
  }
  return { served } as unknown as ProxyControl
}

t.test('the master of the proxy — is named once it has left the one that is gone', async t => {
  t.equal(await servedBy(proxyThatServes('a:1', 'a:1', 'b:1'), 'a:1'), 'b:1')
})

t.test('the master of the proxy — is named at once — where none is gone', async t => {
  t.equal(await servedBy(proxyThatServes('a:1', 'b:1'), null), 'a:1')
})

t.test('the master of the proxy — is not known — while it has none, or does not answer', async t => {
  t.equal(await servedBy(proxyThatServes(null), 'a:1'), null)
  t.equal(await servedBy(proxyThatServes(new Error('gone')), 'a:1'), null)
})
