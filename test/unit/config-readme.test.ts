// The table in docs/options.md is the one that src/config/option-table.ts gives.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { withOptions } from '../../scripts/readme-options.ts'

t.test('docs/options.md — has the table of options as it is — between its markers', async t => {
  const content = readFileSync(new URL('../../docs/options.md', import.meta.url), 'utf8')
  const wanted = withOptions(content)
  t.not(wanted, undefined, 'both markers are there')
  t.equal(content, wanted, 'the table is up to date; npm run readme writes it')
})

t.test('withOptions — puts the table between the markers — and leaves the rest as it was', async t => {
  const content = 'before\n<!-- options:start -->\nold\n<!-- options:end -->\nafter\n'
  const filled = withOptions(content) ?? ''
  t.match(filled, /^before\n<!-- options:start -->\n\n\| Option [\s\S]*\n\n<!-- options:end -->\nafter\n$/)
  t.notMatch(filled, '\nold\n')
  t.equal(withOptions(filled), filled, 'a second time changes nothing')
})

t.test('withOptions — gives nothing — when a marker is missing or they are in the wrong order', async t => {
  t.equal(withOptions('no markers'), undefined)
  t.equal(withOptions('<!-- options:start -->'), undefined)
  t.equal(withOptions('<!-- options:end --><!-- options:start -->'), undefined)
})
