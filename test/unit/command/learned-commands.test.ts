import t from 'tap'
import { LearnedCommands } from '../../../src/command/learned-commands.ts'
import { classOf } from '../../../src/relay/replay-rule.ts'
import { createRun } from '../../../src/relay/request.ts'
import { encodeCommand } from '../../../src/resp/encode.ts'
import { readCommandFlags } from '../../../src/sentinel/command-list.ts'
import { findServer } from '../../support/servers.ts'
import { Owner } from '../relay/owner.ts'
import { startForTest } from './real-server.ts'

t.test('learned commands — are reads only where the server says readonly, and private where it says blocking', t => {
  const learned = new LearnedCommands()
  t.equal(learned.find('json.get'), undefined)
  learned.learn(
    readCommandFlags([
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

t.test(
  'learned commands — a cursor that is read is no read, and TS.READ may wait — whatever their flags say',
  async t => {
    const learned = new LearnedCommands()
    learned.learn(
      readCommandFlags([
        ['ft.cursor', -4, ['readonly', 'module'], 0, 0, 0, [], [], [], [['ft.cursor|read', -4, ['readonly']]]],
        ['ts.read', -3, ['readonly', 'module']],
        ['mod.spreads', -3, ['readonly', 'may_replicate']],
      ]),
    )
    t.equal(learned.find('FT.CURSOR')?.cls, 'non-idempotent')
    t.equal(learned.find('ft.cursor|read')?.cls, 'non-idempotent')
    t.strictSame(learned.find('ts.read'), { cls: 'non-idempotent', blocks: true })
    t.equal(learned.find('mod.spreads')?.cls, 'non-idempotent')
  },
)

t.test('unknown subcommands — are writes that must not be repeated — unless the master calls them reads', async t => {
  const learned = new LearnedCommands()
  const subcommands = [
    ['xgroup|move', -2, ['write']],
    ['xgroup|peek', -2, ['readonly']],
    ['xgroup|destroy', 4, ['readonly']],
  ]
  learned.learn(readCommandFlags([['xgroup', -2, [], 0, 0, 0, [], [], [], subcommands]]))
  const classify = (...args: string[]) => classOf(createRun(new Owner(), encodeCommand(args), 1), 0, learned)
  t.equal(classify('XGROUP', 'MOVE', 's'), 'non-idempotent')
  t.equal(classify('XGROUP', 'FROB', 's'), 'non-idempotent')
  t.equal(classify('XGROUP', 'Peek', 's'), 'read')
  t.equal(classify('XGROUP', 'DESTROY', 's', 'g'), 'state-idempotent', 'the table comes first')
})

t.test('learned commands — a real server tells the flags of subcommands', { skip: !findServer('redis') }, async t => {
  const client = await startForTest(t, 'redis')
  const reply = await client.send('COMMAND')
  const asText = (value: unknown): unknown =>
    Array.isArray(value) ? value.map(asText) : typeof value === 'number' ? value : String(value)
  const flags = readCommandFlags(asText(reply))
  t.ok(flags.get('xgroup|setid')?.has('write'))
  t.ok(flags.get('xinfo|stream')?.has('readonly'))
})
