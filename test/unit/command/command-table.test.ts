// The table against the servers that are its source: names, arities and flags by COMMAND.
import t, { type Test } from 'tap'
import { commandSpecs } from '../../../src/command/catalog.ts'
import { type ReplayClass, Route } from '../../../src/command/command-spec.ts'
import { commandByName } from '../../../src/command/lookup.ts'
import { isOlder } from '../../support/needs.ts'
import { type Flavour, findServer } from '../../support/servers.ts'
import { startForTest } from './real-server.ts'

interface ServerCommand {
  name: string
  arity: number
  flags: Set<string>
}

const flavours = (['redis', 'valkey'] as const).filter(flavour => findServer(flavour))
if (flavours.length < 2)
  t.pass('with both servers', { skip: 'only one of redis-server and valkey-server is installed' })
const seen = new Set<string>()

async function commandsOf(t: Test, flavour: Flavour): Promise<ServerCommand[]> {
  const client = await startForTest(t, flavour)
  return flatten(await client.send('COMMAND'))
}

function flatten(entries: unknown): ServerCommand[] {
  if (!Array.isArray(entries)) throw new Error('COMMAND did not answer an array')
  return entries.flatMap((entry: unknown) => {
    if (!Array.isArray(entry)) throw new Error('an entry of COMMAND is no array')
    const [name, arity, flags] = entry as unknown[]
    const command = {
      name: String(name).toLowerCase(),
      arity: Number(arity),
      flags: new Set((flags as unknown[]).map(String)),
    }
    return [command, ...flatten(entry[9] ?? [])]
  })
}

function find(fullName: string): { arity: number; cls: ReplayClass; isContainer: boolean } | undefined {
  const [name = '', subcommand] = fullName.split('|')
  const spec = commandByName(name)
  if (!spec.known) return undefined
  if (subcommand === undefined) return { arity: spec.arity, cls: spec.cls, isContainer: spec.subcommands !== null }
  const found = spec.subcommands?.get(subcommand)
  return found && { arity: found.arity, cls: found.cls, isContainer: false }
}

/** What the server's flags rule out; the reverse does not hold: PUBLISH is not flagged as a write. */
function contradiction(flags: ReadonlySet<string>, cls: ReplayClass): string | undefined {
  const allows = (...classes: ReplayClass[]) => classes.includes(cls)
  if (flags.has('blocking') !== allows('blocking')) return 'blocks'
  if (flags.has('write') && !allows('idempotent', 'state-idempotent', 'non-idempotent', 'blocking', 'admin'))
    return 'writes'
  if (flags.has('readonly') && !allows('read', 'blocking')) return 'reads'
  if (flags.has('no_auth') && !allows('connection')) return 'is for the connection'
  return undefined
}

/** Where Redis before 7.2 differs. It refuses the new arguments itself, and its WAIT has no flag. */
const before72 = [
  'command|getkeys: arity -3, the server says -4',
  'command|getkeysandflags: arity -3, the server says -4',
  'wait: class blocking, but it blocks',
  'zrank: arity -3, the server says 3',
  'zrevrank: arity -3, the server says 3',
]

for (const flavour of flavours) {
  t.test(`table — has every command and subcommand with its arity — of a real ${flavour}-server`, async t => {
    const commands = await commandsOf(t, flavour)
    t.ok(commands.length > (isOlder(flavour, 7.2) ? 360 : 370), `${commands.length} commands`)
    const wrong: string[] = []
    for (const { name, arity, flags } of commands) {
      seen.add(name)
      const found = find(name)
      if (!found) wrong.push(`${name} is missing`)
      else if (found.arity !== arity) wrong.push(`${name}: arity ${found.arity}, the server says ${arity}`)
      const flaw = found && !found.isContainer && contradiction(flags, found.cls)
      if (flaw) wrong.push(`${name}: class ${found.cls}, but it ${flaw}`)
    }
    t.strictSame(wrong.sort(), isOlder(flavour, 7.2) ? before72 : [])
  })
}

t.test('table — has no command that neither server has', { skip: flavours.length < 2 && 'needs both' }, async t => {
  const unseen: string[] = []
  for (const { name, subcommands } of commandSpecs.slice(1)) {
    for (const fullName of [name, ...[...(subcommands?.keys() ?? [])].map(subcommand => `${name}|${subcommand}`)])
      if (!seen.has(fullName)) unseen.push(fullName)
  }
  t.strictSame(unseen, [])
})

t.test('table — gives each command its route', async t => {
  const routes: Record<string, string> = {
    blocking: 'blmove blmpop blpop brpop brpoplpush bzmpop bzpopmax bzpopmin',
    maybeBlocking: 'xread xreadgroup',
    wait: 'wait waitaof',
    subscribe: 'psubscribe ssubscribe subscribe',
    unsubscribe: 'punsubscribe sunsubscribe unsubscribe',
    script: 'eval eval_ro function script',
    evalsha: 'evalsha evalsha_ro',
    scan: 'hscan scan sscan zscan',
    own: 'asking readonly readwrite',
    refuse: 'psync replconf sync',
  }
  for (const name of 'multi exec discard watch unwatch monitor hello auth select reset quit client'.split(' '))
    routes[name] = name
  const routed = new Set<string>()
  for (const [route, number] of Object.entries(Route)) {
    if (route === 'shared') continue
    const names = commandSpecs.filter(spec => spec.route === number).map(({ name }) => name)
    t.equal(names.sort().join(' '), routes[route], route)
    for (const name of names) routed.add(name)
  }
  t.equal(commandSpecs.filter(({ route }) => route === Route.shared).length, commandSpecs.length - routed.size)
})

t.test('table — counts each class as the survey of the servers did', async t => {
  const counts = new Map<string, number>()
  const count = (cls: string) => counts.set(cls, (counts.get(cls) ?? 0) + 1)
  for (const { cls, subcommands } of commandSpecs.slice(1)) {
    if (subcommands === null) count(cls)
    else for (const subcommand of subcommands.values()) count(subcommand.cls)
  }
  t.equal(counts.get('connection'), 28)
  t.equal(counts.get('blocking'), 12)
  t.equal(counts.get('admin'), 37)
  t.equal(counts.get('forbidden'), 12)
})

t.test('containers — are as bad as their worst subcommand — before it is known', async t => {
  t.equal(commandByName('config').cls, 'non-idempotent')
  t.equal(commandByName('xgroup').cls, 'non-idempotent')
  t.equal(commandByName('pubsub').cls, 'read')
})
