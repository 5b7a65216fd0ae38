// reload-line.ts: the line `process.reload`, whoever has asked for it. Where a person has something to do it is a warning.
import type { Log } from './log.ts'

/** What was found when files were read again. */
export interface Reload {
  /** How many password and TLS files have changed; they are in use. */
  readonly changed: number
  /** Those of them that cannot be used. What was read before stays in use. */
  readonly unusable: readonly string[]
  /** Options that a restart would change, by name. */
  readonly options: readonly string[]
  /** What is wrong with the options: a restart would fail. */
  readonly mistakes: readonly string[]
}

/** `by`: the signal, or the command. */
export function logReload(log: Log, by: { readonly signal: string } | { readonly by: string }, found: Reload): void {
  const { unusable, options, mistakes } = found
  const isWell = unusable.length === 0 && options.length === 0 && mistakes.length === 0
  const after =
    mistakes.length > 0
      ? 'a restart would fail: the options are wrong now (mistakes), and those of the start stay in use'
      : options.length > 0
        ? 'these options (options) are others now, and need a restart'
        : 'options need a restart'
  log[isWell ? 'info' : 'warn'](
    { event: 'process.reload', ...by, ...found },
    `password and TLS files were read again; ${after}`,
  )
}
