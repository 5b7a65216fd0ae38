// judge-writers.ts: who else is connected to the master, and whether it may write while Holdfast's clients wait. Pure.
//
// What does not come through a Holdfast is not held: a write of it between the last look and the promotion is lost,
// and its connection is cut. Other Holdfasts hold by themselves when the Sentinels announce the failover.
import { formatAddress } from '../address.ts'
import { type Finding, ok, problem, warning } from '../check/finding.ts'
import { type ClientKind, kindOf } from './client-rows.ts'
import type { Plan } from './plan.ts'
import type { ClientRow } from './sight.ts'

/** So many are named; the others are counted. */
const NAMED = 5

export function* judgeWriters({ master, through }: Plan): Iterable<Finding> {
  const subject = `master ${formatAddress(master.address)}`
  if (master.clients === null) {
    const what = 'our user may not run CLIENT LIST: who else writes is not known'
    const remedy = 'ACL SETUSER there +client|list; or --force writers.unknown, when all clients come through Holdfast'
    yield problem('writers.unknown', subject, what, remedy)
    return
  }
  const of = (kind: ClientKind): ClientRow[] => master.clients?.filter(one => kindOf(one, through) === kind) ?? []
  const [writers, others, probable] = [of('writer'), of('other'), of('probable')]
  if (writers.length > 0) {
    const what = `${count(writers)} through no Holdfast and write: ${listOf(writers)}`
    const remedy =
      'stop them, or give them the port of Holdfast; or --force writers.other: their last writes may be lost'
    yield problem('writers.other', subject, what, remedy)
  }
  if (others.length > 0) {
    const what = `${count(others)} through no Holdfast, and did not write last: ${listOf(others)}`
    yield warning('clients.direct', subject, what, 'they lose their connection; when they write, the switchover aborts')
  }
  if (probable.length > 0) {
    const what = `${count(probable)} probably through the Holdfast on the same host: ${listOf(probable)}`
    yield warning('clients.probable', subject, what, 'make sure that they do: what they write past it is not held')
  }
  if (writers.length + others.length + probable.length === 0)
    yield ok(subject, 'all its clients come through a Holdfast')
  if (through.others > 0) {
    const text =
      `${through.others} other ${through.others === 1 ? 'Holdfast is' : 'Holdfasts are'} connected: they hold when the ` +
      'Sentinels announce the failover'
    yield { level: 'note', id: 'note', subject, text, remedy: null }
  }
}

function count(clients: readonly ClientRow[]): string {
  return clients.length === 1 ? '1 client comes' : `${clients.length} clients come`
}

function listOf(clients: readonly ClientRow[]): string {
  const named = clients.slice(0, NAMED).map(describeClient)
  const rest = clients.length - named.length
  return [...named, ...(rest > 0 ? [`and ${rest} more`] : [])].join('; ')
}

/** `10.0.0.7:51234 (worker-3, ioredis, user app, last command set)` */
export function describeClient({ address, name, library, user, command }: ClientRow): string {
  const facts = [
    name,
    library,
    user === 'default' ? '' : `user ${user}`,
    command === '' ? '' : `last command ${command}`,
  ]
  const told = facts.filter(fact => fact !== '').join(', ')
  return told === '' ? address : `${address} (${told})`
}
