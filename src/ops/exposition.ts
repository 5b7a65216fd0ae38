// exposition.ts: writes the metrics in the text format of Prometheus.
//
// The package @prometheus-io/client writes them. Holdfast does not use its counters and histograms: one call of theirs
// costs more than all that Holdfast does for a command (docs/decisions/0007-metrics.md). So of the package only the file
// that writes is loaded: the rest would be 3 MB of an idle process.
import type { MetricObjectWithValues, MetricValueWithName, Metric as Registered } from '@prometheus-io/client'
import Registry from '@prometheus-io/client/lib/registry.js'
import type { Histogram } from './histogram.ts'
import type { Metric } from './metric-type.ts'
import type { MasterSnapshot, Snapshot } from './snapshot.ts'

export function createExposition(table: readonly Metric[]) {
  const registry = new Registry()
  let snapshot: Snapshot | null = null
  for (const metric of table) registry.registerMetric(asRegistered(metric, () => snapshot))
  return {
    contentType: registry.contentType,
    /** All series; calls `takeSnapshot` once. */
    async render(takeSnapshot: () => Snapshot): Promise<string> {
      snapshot = takeSnapshot()
      return registry.metrics()
    },
  }
}

type Values = Pick<MetricObjectWithValues<MetricValueWithName<string>>, 'name' | 'help' | 'values'> & {
  readonly type: string
}

/** The registry asks a metric for its name and its values and nothing else. */
function asRegistered(metric: Metric, snapshot: () => Snapshot | null): Registered<string> {
  const { name, help, type } = metric
  const get = async (): Promise<Values> => {
    const now = snapshot()
    return { name, help, type, values: now === null ? [] : valuesOf(metric, now) }
  }
  return { name, help, type, get } as unknown as Registered<string>
}

function valuesOf(metric: Metric, snapshot: Snapshot): MetricValueWithName<string>[] {
  if (metric.of === 'program') return metric.read(snapshot).map(({ labels, value }) => ({ labels, value }))
  const { masters } = snapshot
  return masters.flatMap(master => {
    const values = valuesOfMaster(metric, master)
    // One master alone has the series that it always had.
    if (masters.length === 1) return values
    const name = { master: master.topology.masterName }
    return values.map(value => ({ ...value, labels: { ...name, ...value.labels } }))
  })
}

function valuesOfMaster(
  metric: Extract<Metric, { of: 'master' }>,
  master: MasterSnapshot,
): MetricValueWithName<string>[] {
  if (metric.type === 'histogram') return histogramValues(metric.name, metric.read(master))
  return metric.read(master).map(({ labels, value }) => ({ labels, value }))
}

function histogramValues(name: string, histogram: Histogram): MetricValueWithName<string>[] {
  const { bounds } = histogram
  const buckets = histogram.cumulative().map((value, i) => ({
    metricName: `${name}_bucket`,
    labels: { le: i < bounds.length ? String(bounds[i]) : '+Inf' },
    value,
  }))
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels: {}, value: histogram.sum },
    { metricName: `${name}_count`, labels: {}, value: histogram.count },
  ]
}
