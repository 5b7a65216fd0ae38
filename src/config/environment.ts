// environment.ts: reads options from the environment: every variable that starts with HOLDFAST_.
// Never: judges a value, or shows one: a mistyped variable may hold a password.
import { type Given, nameOfVariable, type Source, type Table, valueNames, variableOf } from './option.ts'
import { didYouMean, nearest } from './suggest.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export function readEnvironment(env: Environment, table: Table): Source {
  const names = valueNames(table)
  const given = new Map<string, Given>()
  const errors: string[] = []
  for (const [variable, text] of Object.entries(env)) {
    const name = nameOfVariable(variable)
    if (name === undefined || text === undefined || isServiceLink(variable, text)) continue
    const origin = `${variable} (environment)`
    if (names.includes(name) && variableOf(name) === variable) given.set(name, { text, origin })
    else {
      // By what follows the prefix: that all have it makes no two of them alike.
      const meant = nearest(name, names)
      errors.push(`${origin}: no such option${didYouMean(meant && variableOf(meant))}`)
    }
  }
  return { given, errors }
}

/**
 * Kubernetes puts HOLDFAST_SERVICE_HOST, HOLDFAST_PORT_6379_TCP_ADDR and the like into every pod beside a Service
 * called `holdfast` or `holdfast-…`. They are not ours, and no reason to refuse to start.
 */
function isServiceLink(variable: string, text: string): boolean {
  if (/_SERVICE_(HOST|PORT(_\w+)?)$/.test(variable)) return true
  if (/_PORT_\d+_(TCP|UDP|SCTP)_(PROTO|PORT|ADDR)$/.test(variable)) return true
  return /_PORT(_\d+_(TCP|UDP|SCTP))?$/.test(variable) && /^(tcp|udp|sctp):\/\//.test(text)
}
