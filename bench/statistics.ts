// statistics.ts: medians, percentiles and within-round ratios. Pure: numbers in, numbers out.

export interface Spread {
  median: number
  min: number
  max: number
}

/** Median of a list; the mean of the middle two when their number is even; NaN for an empty list. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle]
  if (upper === undefined) return Number.NaN
  const lower = sorted[middle - 1]
  return sorted.length % 2 === 1 || lower === undefined ? upper : (lower + upper) / 2
}

/** Median, least and greatest; undefined for an empty list. */
export function spread(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) }
}

/** The value at `fraction` (0..1) of an ascending list, by nearest rank; NaN for an empty list. */
export function percentile(sorted: ArrayLike<number>, fraction: number): number {
  if (sorted.length === 0) return Number.NaN
  const rank = Math.ceil(fraction * sorted.length)
  return sorted[Math.min(sorted.length - 1, Math.max(0, rank - 1))] ?? Number.NaN
}

/** A straight line's slope and the standard error of it. */
export interface Line {
  slope: number
  error: number
}

/** Through at least three points; NaN for fewer. */
export function leastSquares(points: readonly { x: number; y: number }[]): Line {
  const n = points.length
  if (n < 3) return { slope: Number.NaN, error: Number.NaN }
  const mean = (pick: (point: { x: number; y: number }) => number): number =>
    points.reduce((sum, point) => sum + pick(point), 0) / n
  const [meanX, meanY] = [mean(({ x }) => x), mean(({ y }) => y)]
  const sxx = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0)
  const sxy = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0)
  const slope = sxy / sxx
  const rest = points.reduce((sum, { x, y }) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0)
  return { slope, error: Math.sqrt(rest / (n - 2) / sxx) }
}

/**
 * One ratio per round in which both were measured. Two targets measured a second apart have seen the same machine;
 * two medians of a whole run have not, which is why ratios are never made of medians here.
 */
export function ratiosByRound(subject: ReadonlyMap<number, number>, base: ReadonlyMap<number, number>): number[] {
  const ratios: number[] = []
  for (const [round, value] of subject) {
    const against = base.get(round)
    if (against !== undefined && against > 0) ratios.push(value / against)
  }
  return ratios
}

/**
 * Between which two values the median lies in at least 95 of 100 runs, by ranks alone: no shape of the spread is assumed
 * (the sign test turned round). At least six values; the least and the greatest for fewer.
 */
export function medianBounds(values: readonly number[]): { low: number; high: number } {
  const sorted = [...values].sort((a, b) => a - b)
  const n = sorted.length
  let [left, tail, chance] = [0, 0, 0.5 ** n]
  // Of n values fewer than `left` + 1 lie below the median by chance, with at most 2.5 %.
  while (tail + chance <= 0.025) {
    tail += chance
    chance *= (n - left) / (left + 1)
    left++
  }
  const at = Math.max(0, left - 1)
  return { low: sorted[at] ?? Number.NaN, high: sorted[n - 1 - at] ?? Number.NaN }
}
