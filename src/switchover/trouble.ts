// trouble.ts: why a switchover goes no further, and what to do about it. Pure.

/** Why it goes no further. */
export class Trouble extends Error {
  readonly remedy: string
  constructor(why: string, remedy: string) {
    super(why)
    this.remedy = remedy
  }
}

export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** What to do about a Sentinel that refuses, by the first words of its answer (sentinel.c, sentinelCommand). */
export function refusalRemedy(text: string): string {
  if (text.startsWith('INPROG')) return 'another failover is under way: wait for its end; nothing has changed'
  if (/^NOGOODSLAVE/.test(text)) return 'the Sentinel finds no replica fit: run holdfast check; nothing has changed'
  if (/^NOPERM/.test(text)) return 'ACL SETUSER ... +sentinel|failover on each Sentinel; nothing has changed'
  return 'see the log of the Sentinel; nothing has changed'
}
