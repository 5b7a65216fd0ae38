// Which of a node's clients are our links: ids and addresses mean somebody at one node alone.
import t from 'tap'
import { LiveLinks, type ReadableLink } from '../../../src/upstream/live-links.ts'

const here = { host: '10.0.0.1', port: 6379 }
const there = { host: '10.0.0.2', port: 6379 }

const link = (master: ReadableLink['master'], clientId: number, localAddress: string): ReadableLink => ({
  master,
  handshake: { clientId, bytes: Buffer.alloc(0) },
  readyAt: 0,
  localAddress,
  pauseLarge: () => {},
  resume: () => {},
})

t.test('our links — are known by id, or before they have one by address — at their own node', async t => {
  const live = new LiveLinks()
  live.add(link(here, 7, '10.0.0.9:1000'))
  live.add(link(here, 0, '10.0.0.9:1001'))
  live.add(link(there, 8, '10.0.0.9:1002'))
  live.add(link(there, 0, '10.0.0.9:1003'))
  t.strictSame(live.ids(here), ['7'])
  t.strictSame(live.ids(there), ['8'])
  const own = live.snapshot(here)
  t.equal(own.has('7', '10.0.0.9:1000'), true)
  t.equal(own.has('9', '10.0.0.9:1001'), true, 'one that has no id yet')
  t.equal(own.has('8', '10.0.0.9:1002'), false, 'the id is a stranger’s here')
  t.equal(own.has('9', '10.0.0.9:1003'), false, 'and so is the address')
})

t.test('our links — one that has ended — is ours while the server may still list it', async t => {
  const live = new LiveLinks()
  const gone = link(here, 7, '10.0.0.9:1000')
  live.add(gone)
  live.delete(gone)
  t.strictSame(live.ids(here), [])
  const own = live.snapshot(here)
  t.equal(own.has('7', '10.0.0.9:1000'), true)
  t.equal(own.has('7', '10.0.0.9:1001'), false, 'the node was started again, and its ids begin anew')
  t.equal(own.has('9', '10.0.0.9:1000'), false, 'the port is another client’s now')
  t.equal(live.snapshot(there).has('7', '10.0.0.9:1000'), false)
})
