// `holdfast check` on a machine that stands still for a moment: what it says of servers is true all the same.
import t from 'tap'
import { collectAll } from '../../src/check/collect.ts'
import { readConfig } from '../../src/config.ts'
import { FakeSentinel } from '../support/fake-sentinel.ts'
import { anyFlavour, endServer, makeFolder, removeFolder, startServer } from '../support/servers.ts'

/** Longer than `check` waits for a word of a server. */
const STILL_MS = 2500
const cell = new Int32Array(new SharedArrayBuffer(4))

t.test('check — tells no server as silent — when it stood still itself', async t => {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const node = await startServer({ flavour: anyFlavour(), kind: 'data', name: 'one', dir, config: ['save ""'] })
  t.teardown(() => endServer(node))
  const sentinel = await FakeSentinel.start(t, { master: { host: node.host, port: node.port } })
  const words = ['--master', 'mymaster', '--listen', '127.0.0.1:0', '--sentinels', `${sentinel.host}:${sentinel.port}`]
  const read = readConfig(words, {})
  if (read.kind !== 'config') throw new Error(read.kind === 'errors' ? read.errors.join('; ') : read.kind)
  let isOver = false
  const standStill = (): void => {
    if (isOver) return
    if (sentinel.server.accepted === 0) setImmediate(standStill)
    else Atomics.wait(cell, 0, 0, STILL_MS)
  }
  standStill()
  const [one] = await collectAll(read.masters)
  isOver = true
  const contacts = [...(one?.[1].sentinels ?? []), ...(one?.[1].nodes ?? [])].map(({ contact }) => contact)
  t.strictSame(
    contacts.map(({ kind }) => kind),
    ['answers', 'answers'],
  )
  for (const contact of contacts) if (contact.kind === 'answers') t.ok(contact.ms < STILL_MS, `${contact.ms} ms`)
})
