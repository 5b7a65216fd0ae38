// register.ts: is there an order of all operations on one register that explains every answer, and in which what ended
// before another began comes first? The search of Wing and Gong with Lowe's memory of what was tried. Pure.
//
//   write   sets the value          read   answers it          cas   sets it where it was what it expected
//
// What may have run or not (`optional`) has no end, and need not be in the order. What may be sent again (`repeats`) may
// stand there several times, each time before its answer: then an older value comes back for a while, and never later.
export interface Step {
  readonly kind: 'write' | 'read' | 'cas'
  /** What is written, or what a read has answered; null: nothing is stored. */
  readonly value: string | null
  /** Of a cas. */
  readonly expected?: string | null
  readonly begun: number
  readonly ended: number
  readonly optional?: boolean
  /** Of a write. */
  readonly repeats?: boolean
}

/** After so many attempts the search gives up, and says that it found nothing wrong. */
const MAX_ATTEMPTS = 2_000_000

/** Whether such an order exists, from a register that holds nothing. */
export function isLinearizable(steps: readonly Step[]): boolean {
  const all = steps
    .map(step => (step.optional ? { ...step, ended: Number.POSITIVE_INFINITY } : step))
    .sort((a, b) => a.begun - b.begun)
  const taken = new Array<boolean>(all.length).fill(false)
  const tried = new Set<string>()
  let owed = all.filter(({ optional }) => !optional).length
  let attempts = 0

  /** `first`: all before it are taken. */
  const search = (first: number, value: string | null): boolean => {
    if (owed === 0 || attempts++ > MAX_ATTEMPTS) return true
    let from = first
    while (taken[from]) from++
    const key = `${from} ${value} ${takenBehind(taken, from)}`
    if (tried.has(key)) return false
    tried.add(key)
    let earliestEnd = Number.POSITIVE_INFINITY
    for (let i = from; i < all.length; i++) {
      const step = all[i]
      if (step === undefined || taken[i]) continue
      // It began after another one, which is not in the order yet, had ended; so did all behind it.
      if (step.begun > earliestEnd) break
      earliestEnd = Math.min(earliestEnd, step.ended)
      if (!agrees(step, value)) continue
      taken[i] = true
      if (!step.optional) owed--
      if (search(from, step.kind === 'read' ? value : step.value)) return true
      if (!step.optional) owed++
      taken[i] = false
      // Once more than it is taken, so it is still to come.
      if (step.repeats && search(from, step.value)) return true
    }
    return false
  }
  return search(0, null)
}

function agrees({ kind, value, expected = null }: Step, current: string | null): boolean {
  if (kind === 'read') return value === current
  return kind === 'write' || expected === current
}

/** Places behind `from` that are taken: with `from` itself, all that is taken. */
function takenBehind(taken: readonly boolean[], from: number): string {
  const places: number[] = []
  for (let i = from + 1; i < taken.length; i++) if (taken[i]) places.push(i - from)
  return places.join()
}
