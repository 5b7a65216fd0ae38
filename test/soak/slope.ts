// slope.ts: does a series of samples grow? Pure.
//
// Memory samples follow one another closely, so a plain regression over all of them would be far too sure of itself.
// They are averaged in blocks first, and the line is laid through the blocks.

export interface Sample {
  /** Milliseconds. */
  readonly at: number
  readonly value: number
}

export interface Slope {
  /** Per minute, in the unit of the samples, with the ends of its 95 % interval. */
  readonly perMinute: number
  readonly low: number
  readonly high: number
  readonly blocks: number
}

/** Two-sided 95 % of Student's t for 1 to 30 degrees of freedom; beyond, that of 30 is near enough. */
const student = [
  12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.2, 2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.1, 2.09, 2.09,
  2.08, 2.07, 2.07, 2.06, 2.06, 2.06, 2.05, 2.05, 2.05, 2.04,
]

/**
 * Least squares through the means of `blocks` equal parts of the samples. @throws RangeError with fewer than 3 blocks.
 */
export function slopeOf(samples: readonly Sample[], blocks = 16): Slope {
  const points = blockMeans(samples, blocks)
  const n = points.length
  if (n < 3) throw new RangeError(`${samples.length} samples are too few for a slope`)
  const meanX = mean(points.map(({ at }) => at))
  const meanY = mean(points.map(({ value }) => value))
  let sxx = 0
  let sxy = 0
  for (const { at, value } of points) {
    sxx += (at - meanX) ** 2
    sxy += (at - meanX) * (value - meanY)
  }
  const slope = sxy / sxx
  let residual = 0
  for (const { at, value } of points) residual += (value - meanY - slope * (at - meanX)) ** 2
  const error = Math.sqrt(residual / (n - 2) / sxx) * (student[n - 3] ?? 2.04)
  const perMinute = 60_000
  return {
    perMinute: slope * perMinute,
    low: (slope - error) * perMinute,
    high: (slope + error) * perMinute,
    blocks: n,
  }
}

function blockMeans(samples: readonly Sample[], blocks: number): Sample[] {
  const size = Math.max(1, Math.floor(samples.length / blocks))
  const points: Sample[] = []
  for (let i = 0; i + size <= samples.length; i += size) {
    const part = samples.slice(i, i + size)
    points.push({ at: mean(part.map(({ at }) => at)), value: mean(part.map(({ value }) => value)) })
  }
  return points
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length
}
