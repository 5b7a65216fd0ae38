// quantile.ts: a quantile of what a histogram has counted between two looks at it. Pure.

/**
 * Linear between the bounds of the bucket, as histogram_quantile of Prometheus does it: the error is at most the bucket's
 * width. `before`, `after`: cumulative counts, one more than `bounds`. Beyond the last bound it is that bound. NaN where
 * nothing was counted in between.
 */
export function quantile(
  bounds: readonly number[],
  before: readonly number[],
  after: readonly number[],
  q: number,
): number {
  const counted = (at: number): number => (after[at] ?? 0) - (before[at] ?? 0)
  const total = counted(bounds.length)
  if (total <= 0) return Number.NaN
  const rank = q * total
  const at = bounds.findIndex((_, i) => counted(i) >= rank)
  if (at < 0) return bounds.at(-1) ?? Number.NaN
  const low = at === 0 ? 0 : (bounds[at - 1] as number)
  const below = at === 0 ? 0 : counted(at - 1)
  const inside = counted(at) - below
  return inside === 0 ? low : low + ((bounds[at] as number) - low) * ((rank - below) / inside)
}
