import t from 'tap'
import { ScriptStore } from '../../../src/relay/script-store.ts'
import { commandArgs } from '../../../src/resp/decode.ts'

const bodies = (scripts: ScriptStore): string[] =>
  scripts.commands().map(command => commandArgs(command)[2]?.toString().slice(0, 8) ?? '')

t.test('scripts — are kept once, the last used last', t => {
  const scripts = new ScriptStore()
  for (const body of ['return 1', 'return 2', 'return 1']) scripts.remember(Buffer.from(body))
  t.strictSame(bodies(scripts), ['return 2', 'return 1'])
  scripts.clear()
  t.equal(scripts.size, 0)
  t.end()
})

t.test('scripts — are forgotten oldest first — when their bytes are too many', t => {
  const scripts = new ScriptStore()
  for (let i = 0; i < 10; i++) scripts.remember(Buffer.alloc(1024 * 1024, `script ${i}`))
  t.strictSame(
    bodies(scripts),
    [2, 3, 4, 5, 6, 7, 8, 9].map(i => `script ${i}`),
  )
  scripts.remember(Buffer.alloc(9 * 1024 * 1024))
  t.equal(scripts.size, 8, 'one that alone is too large is not kept')
  t.end()
})
