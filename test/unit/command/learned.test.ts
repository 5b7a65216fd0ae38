import t from 'tap'
import { LearnedCommands } from '../../../src/command/learned.ts'
import { readFlags } from '../../../src/sentinel/command-list.ts'

t.test('learned commands — are reads only where the server says readonly, and private where it says blocking', t => {
  const learned = new LearnedCommands()
  t.equal(learned.find('json.get'), undefined)
  learned.learn(
    readFlags([
      ['json.get', -2, ['readonly', 'module']],
      ['json.set', -4, ['write', 'denyoom', 'module']],
      ['mod.wait', 2, ['readonly', 'blocking']],
      ['mod.odd', 2, []],
      'garbage',
      [7, 7],
    ]),
  )
  t.strictSame(learned.find('JSON.GET'), { cls: 'read', blocks: false })
  t.strictSame(learned.find('json.set'), { cls: 'non-idempotent', blocks: false })
  t.strictSame(learned.find('mod.wait'), { cls: 'non-idempotent', blocks: true })
  t.strictSame(learned.find('mod.odd'), { cls: 'non-idempotent', blocks: false })
  t.equal(learned.size, 4)
  t.end()
})
