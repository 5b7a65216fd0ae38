// print.ts: what a drill has shown, as text for people. Pure.
import { libraryOf, timeoutRemedy } from '../ops/client-libraries.ts'
import type { Account } from './observe.ts'

export interface DrillReport {
  readonly master: string
  /** How long commands were held, ms. */
  readonly heldMs: number
  /** Why the hold ended: `resume` where the drill ended it in time, `stopped` where somebody stopped the drill. */
  readonly ended: string
  readonly accounts: readonly Account[]
}

/** They gave up, or look as if they had: one that sends without waiting for replies looks so, too. */
export function isSuspect({ did }: Account): boolean {
  return did === 'closed' || did === 'sent-on'
}

/** One sentence for each master. */
export function verdict(report: DrillReport): string {
  const { master, heldMs, accounts } = report
  const count = (did: Account['did']): number => accounts.filter(one => one.did === did).length
  const closed = count('closed')
  const back = accounts.filter(({ cameBack }) => cameBack).length
  const held = `${master}: commands were held for ${(heldMs / 1000).toFixed(1)} s`
  const parts = [
    `${count('waited')} sessions waited and kept their connection`,
    ...(closed > 0 ? [`${closed} closed it, of which ${back} came back`] : []),
    ...(count('sent-on') > 0
      ? [`${count('sent-on')} sent more while one was unanswered (it has given up, or does not wait)`]
      : []),
    `${count('quiet')} asked for nothing`,
  ]
  return `${held}; ${parts.join(', ')}`
}

/** Rows of those that gave up, with a head; none where nobody did. */
export function rowsOf({ accounts }: Pick<DrillReport, 'accounts'>): string[][] {
  const rows = accounts
    .filter(isSuspect)
    .map(({ address, library, version, name, state, command, did, afterMs, cameBack, sentOn }) => [
      address,
      `${library} ${version}`.trim() || '-',
      name || '-',
      state,
      command,
      did === 'closed' ? `closed its connection${cameBack ? ' and came back' : ''}` : `sent ${sentOn} more commands`,
      `after ${((afterMs ?? 0) / 1000).toFixed(1)} s`,
    ])
  return rows.length === 0
    ? []
    : [['client', 'library', 'name', 'state', 'last command', 'what it did', 'when'], ...rows]
}

/** What to do, once for each library. */
export function remedies(reports: readonly Pick<DrillReport, 'accounts'>[]): string[] {
  const found = reports.flatMap(({ accounts }) => accounts.filter(isSuspect))
  const texts = found.map(({ library, version }) => {
    const known = libraryOf(library, version)
    if (known !== null) return timeoutRemedy(known)
    const who = library === '' ? 'clients that name no library' : library
    return `raise the time-outs of ${who} (command and socket) above --hold-timeout; see docs/clients.md`
  })
  return [...new Set(texts)]
}
