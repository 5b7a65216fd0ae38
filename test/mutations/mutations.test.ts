// The list of known bugs still fits the source, and the tests named for those that can be shown in about a second each
// do show them. `npm run mutations` does it for all.
import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { mutations } from './list.ts'
import { mutate } from './mutation.ts'
import { judge, Workshop } from './workshop.ts'

// Some thirty bugs, a run of a test each.
t.setTimeout(1_800_000)

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Those that start no server and walk nothing. */
const quick = new Set([
  'test/unit/relay/gate.test.ts',
  'test/unit/relay/lane-scenes.test.ts',
  'test/unit/relay/not-ready-node.test.ts',
  'test/unit/relay/request.test.ts',
  'test/unit/sentinel/majority.test.ts',
  'test/unit/upstream/handshake.test.ts',
])

t.test('known bugs — each have a name and a place of their own — as the source is now', async t => {
  t.ok(mutations.length >= 30, `${mutations.length} of them`)
  t.equal(new Set(mutations.map(({ name }) => name)).size, mutations.length)
  for (const mutation of mutations) {
    const source = readFileSync(join(root, mutation.file), 'utf8')
    t.not(mutate(source, mutation), source, mutation.name)
  }
})

t.test('known bugs — are programs that run — as the source is now', async t => {
  for (const mutation of mutations.filter(({ file }) => file.endsWith('.ts'))) {
    const changed = mutate(readFileSync(join(root, mutation.file), 'utf8'), mutation)
    t.doesNotThrow(() => stripTypeScriptTypes(changed), mutation.name)
  }
})

t.test('known bugs — are an error of the list — when their text is gone', async t => {
  const [mutation] = mutations
  if (mutation === undefined) throw new Error('the list is empty')
  t.throws(() => mutate('nothing of it', mutation), /out of date/)
  t.throws(() => mutate(mutation.from + mutation.from, mutation), /2 times/)
})

t.test('known bugs — are shown by the test named for them — and by nothing without them', async t => {
  const workshop = new Workshop()
  t.teardown(() => workshop.close())
  for (const test of quick) t.equal((await workshop.run(test)).code, 0, `${test} without a bug`)
  for (const mutation of mutations.filter(({ test }) => quick.has(test)))
    t.strictSame(judge(mutation, await workshop.runWith(mutation)), { kind: 'caught' }, mutation.name)
})
