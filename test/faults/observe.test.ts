// What counts as a write of a load at a node: the loads' own commands, and nothing that Holdfast says for itself.
import t from 'tap'
import { startSingle } from '../support/holdfast.ts'
import { RespClient } from '../support/resp-client.ts'
import { writesIn } from './observe.ts'

t.test('writes at a node — are those of the loads — and not the markers with which a link opens', async t => {
  const { holdfast, node } = await startSingle(t, { options: { 'retry-policy': 'once' } })
  const atNode = await RespClient.connect(node.port)
  t.teardown(() => atNode.close())
  const stats = async (): Promise<string> => String(await atNode.send('INFO', 'commandstats'))
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  await client.send('WATCH', 'k')
  t.match(await stats(), /^cmdstat_exec:calls=/m, 'the link of the session has opened with markers')
  t.equal(writesIn(await stats()), 0)
  await client.pipeline([['MULTI'], ['SET', 'k', 'v'], ['INCR', 'n'], ['EXEC']])
  t.equal(writesIn(await stats()), 2)
})
