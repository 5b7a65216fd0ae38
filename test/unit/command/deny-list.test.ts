import t from 'tap'
import { createDenyList, Deny, type DenyList, parseDenyEntry } from '../../../src/command/deny-list.ts'
import { commandByName } from '../../../src/command/lookup.ts'

function denies(list: DenyList, command: string): boolean {
  const [name = '', subcommand = null] = command.split(' ')
  const spec = commandByName(name)
  const denied = list.denies(
    spec,
    () => name,
    () => subcommand,
  )
  // The byte of the hot path must never say "no" to what is denied.
  return denied && list.hot[spec.index] !== Deny.no
}

const list = createDenyList(['SHUTDOWN', 'config|set', 'Keys', 'debug|sleep', 'ft.create', 'json.debug|memory'])
const expected: Array<[command: string, denied: boolean]> = [
  ['shutdown', true],
  ['SHUTDOWN NOSAVE', true],
  ['keys *', true],
  ['CONFIG SET', true],
  ['config set', true],
  ['config get', false],
  ['config', false],
  ['debug SLEEP', true],
  ['debug digest', false],
  ['FT.CREATE', true],
  ['ft.search', false],
  ['json.debug MEMORY', true],
  ['json.debug help', false],
  ['json.debug', false],
  ['get k', false],
  ['key', false],
]
for (const [command, denied] of expected) {
  t.test(`deny list — ${denied ? 'catches' : 'lets through'} ${command}`, async t => {
    t.equal(denies(list, command), denied)
  })
}

t.test('deny list — marks what the hot path must look at, and nothing else', async t => {
  const how = (name: string) => list.hot[commandByName(name).index]
  t.equal(how('shutdown'), Deny.always)
  t.equal(how('config'), Deny.bySubcommand)
  t.equal(how('frob'), Deny.byName)
  t.equal(how('get'), Deny.no)
  t.equal(list.hot.filter(byte => byte !== Deny.no).length, 6)
})

t.test('deny list — makes no string of anything — for a command that is decided by its index', async t => {
  const never = () => t.fail('must not be asked')
  for (const name of ['get', 'shutdown'])
    list.denies(
      commandByName(name),
      () => String(never()),
      () => String(never()),
    )
  t.equal(
    list.denies(
      commandByName('config'),
      () => String(never()),
      () => 'set',
    ),
    true,
  )
})

t.test('deny list — leaves unknown commands alone — when it names only known ones', async t => {
  const known = createDenyList(['keys'])
  t.equal(known.hot[0], Deny.no)
  t.equal(denies(known, 'frob'), false)
})

t.test(
  'deny list — denies the whole command — when it is named with and without a subcommand, in any order',
  async t => {
    for (const names of [
      ['config', 'config|set'],
      ['config|set', 'config'],
      ['frob', 'frob|a'],
      ['frob|a', 'frob'],
    ]) {
      const both = createDenyList(names)
      t.equal(denies(both, `${names[0]?.split('|')[0]} other`), true, names.join(' '))
    }
  },
)

t.test('deny list — takes a subcommand the table does not know — because a newer server may have it', async t => {
  t.equal(denies(createDenyList(['client|frob']), 'CLIENT FROB'), true)
})

t.test('deny list — empty — denies SCRIPT DEBUG alone', async t => {
  const none = createDenyList([])
  t.equal(denies(none, 'SCRIPT DEBUG'), true)
  for (const command of ['SCRIPT LOAD', 'SCRIPT', 'EVAL', 'DEBUG', 'FLUSHALL', 'frob'])
    t.equal(denies(none, command), false)
  t.equal(none.hot.filter(byte => byte !== Deny.no).length, 1)
})

const entries: Array<[text: string, why: RegExp]> = [
  ['', /name of a command is missing/],
  ['|set', /name of a command is missing/],
  ['config|', /subcommand must follow/],
  ['config|set|maxmemory', /only one "\|"/],
  ['config set', /no spaces/],
  ['kéys', /ASCII/],
  ['get|k', /get has no subcommands; write "get"/],
]
for (const [text, why] of entries) {
  t.test(`deny entry — is refused with a reason — "${text}"`, async t => {
    const parsed = parseDenyEntry(text)
    t.equal(parsed.ok, false)
    t.match(parsed, { why })
    t.match(parsed, { why: `"${text}": ` })
    t.throws(() => createDenyList([text]), { message: why })
  })
}

t.test('deny entry — is read in lower case, without the space around it', async t => {
  t.strictSame(parseDenyEntry(' Config|SET '), { ok: true, entry: { name: 'config', subcommand: 'set' } })
  t.strictSame(parseDenyEntry('FT.Search'), { ok: true, entry: { name: 'ft.search', subcommand: null } })
})
