// catalog.ts: reads the rows of command-table.ts and subcommand-table.ts into frozen specs, once, when it is loaded.
// Every spec has the same shape and never changes, so that code which sees them stays monomorphic. A malformed row is a
// bug and throws.
//
// Never: looks a name up (lookup.ts), looks at arguments (classify.ts).

import { type CommandSpec, type ReplayClass, Route, type SubcommandSpec } from './command-spec.ts'
import { commandRows } from './command-table.ts'
import { subcommandRows } from './subcommand-table.ts'

/** How bad a repeat is, when the worst of several is asked for. What is not about data alone counts as the worst. */
const rank: Readonly<Record<ReplayClass, number>> = {
  read: 0,
  connection: 1,
  idempotent: 1,
  'state-idempotent': 2,
  'non-idempotent': 3,
  blocking: 3,
  admin: 3,
  forbidden: 3,
}
const byRank = ['read', 'idempotent', 'state-idempotent', 'non-idempotent'] as const

/**
 * read < idempotent < state-idempotent < non-idempotent. The class of an EXEC is this over its queued commands.
 * `connection` counts as idempotent: such commands set absolute values on a link and touch no data. `blocking`, `admin`
 * and `forbidden` count as non-idempotent: inside MULTI a blocking command pops at once, and what the others do to a
 * node is not known.
 */
export function worstClass(a: ReplayClass, b: ReplayClass): (typeof byRank)[number] {
  return byRank[Math.max(rank[a], rank[b])] ?? 'non-idempotent'
}

/** What every name that is not in the table becomes: a module's command, most likely, so nothing good is assumed. */
export const unknownSpec: CommandSpec = Object.freeze({
  index: 0,
  name: '',
  known: false,
  arity: 0,
  route: Route.shared,
  cls: 'non-idempotent',
  subcommands: null,
})

/** All specs by `index`; the first is the unknown command. */
export const commandSpecs: readonly CommandSpec[] = readCatalog()

/** `calls[i]`: how often the command with index i came; the unknown command's index counts all that have no own. */
export function callsByClass(calls: Float64Array): Map<ReplayClass, number> {
  const byClass = new Map<ReplayClass, number>()
  for (const { index, cls } of commandSpecs) byClass.set(cls, (byClass.get(cls) ?? 0) + (calls[index] ?? 0))
  return byClass
}

function readCatalog(): readonly CommandSpec[] {
  const subcommands = readSubcommands()
  const specs = [unknownSpec]
  for (const [name, arity, cls, route] of rowsOf(commandRows)) {
    const own = subcommands.get(name) ?? null
    specs.push(
      Object.freeze({
        index: specs.length,
        name,
        known: true,
        arity: toArity(name, arity),
        route: toRoute(name, route),
        cls: cls === 'container' ? containerClass(name, own) : toClass(name, cls),
        subcommands: own,
      }),
    )
    subcommands.delete(name)
  }
  if (subcommands.size > 0) throw new Error(`subcommands without a command: ${[...subcommands.keys()].join(', ')}`)
  return Object.freeze(specs)
}

function readSubcommands(): Map<string, Map<string, SubcommandSpec>> {
  const containers = new Map<string, Map<string, SubcommandSpec>>()
  for (const [fullName, arity, cls] of rowsOf(subcommandRows)) {
    const [container = '', name = ''] = fullName.split('|')
    const members = containers.get(container) ?? new Map<string, SubcommandSpec>()
    members.set(name, Object.freeze({ name, arity: toArity(fullName, arity), cls: toClass(fullName, cls) }))
    containers.set(container, members)
  }
  return containers
}

function rowsOf(rows: string): Array<[name: string, arity: string, cls: string, route: string]> {
  return rows
    .trim()
    .split('\n')
    .map(row => {
      const [name = '', arity = '', cls = '', route = 'shared'] = row.split(' ')
      return [name, arity, cls, route]
    })
}

/** A container's class without its subcommand known: that of its worst one. */
function containerClass(name: string, members: ReadonlyMap<string, SubcommandSpec> | null): ReplayClass {
  if (members === null) throw new Error(`command table: ${name} is a container without subcommands`)
  return [...members.values()].reduce<ReplayClass>((worst, { cls }) => worstClass(worst, cls), 'read')
}

function toArity(name: string, text: string): number {
  const arity = Number(text)
  if (!Number.isInteger(arity) || arity === 0) throw new Error(`command table: ${name} has arity "${text}"`)
  return arity
}

function toClass(name: string, text: string): ReplayClass {
  if (!isClass(text)) throw new Error(`command table: ${name} has class "${text}"`)
  return text
}

function isClass(text: string): text is ReplayClass {
  return Object.hasOwn(rank, text)
}

function toRoute(name: string, text: string): Route {
  if (!isRoute(text)) throw new Error(`command table: ${name} has route "${text}"`)
  return Route[text]
}

function isRoute(text: string): text is keyof typeof Route {
  return Object.hasOwn(Route, text)
}
