// metrics-reference.ts: writes docs/metrics.md from the table of metrics.
//
//   node scripts/run.mjs scripts/metrics-reference.ts [--check]
//
// With --check nothing is written: exit code 1 says that the reference is not what src/ops/metrics.ts gives.
import { readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { secondsBounds } from '../src/ops/histogram.ts'
import type { Metric } from '../src/ops/metric-type.ts'
import { metricsTable } from '../src/ops/metrics.ts'
import { ProcessStats } from '../src/ops/process-stats.ts'

const file = new URL('../docs/metrics.md', import.meta.url)

/** The whole page. */
export function metricsReference(): string {
  const table = metricsTable(new ProcessStats(), { viewers: 0, refused: 0, dropped: 0 })
  const rows = table.map(row)
  const ofProgram = table.filter(({ of }) => of === 'program').map(({ name }) => `\`${name}\``)
  return `# Metrics

Served at \`/metrics\` of the port that \`--admin-listen\` opens. All series are there from the first scrape on. Labels take
their values from fixed lists; the address in \`holdfast_master_info\` is the one exception, and there is one at a time.

Made from \`src/ops/metrics.ts\` by \`npm run metrics\`.

| Metric | Type | Labels | What it says |
|---|---|---|---|
${rows.join('\n')}

With several masters each series has the label \`master\` besides, with the name of its master. Those of the program have
none: ${ofProgram.join(', ')}.

Buckets of the histograms, in seconds: ${secondsBounds.join(', ')}.

At every moment

    holdfast_held_total = sum(holdfast_held_ended_total) + holdfast_held_requests
`
}

function row({ name, type, labels, help }: Metric): string {
  return `| \`${name}\` | ${type} | ${labels.map(label => `\`${label}\``).join(', ')} | ${help.replaceAll('|', '\\|')} |`
}

function main(args: readonly string[]): number {
  const wanted = metricsReference()
  if (!args.includes('--check')) {
    writeFileSync(file, wanted)
    return 0
  }
  if (readFileSync(file, 'utf8') === wanted) return 0
  console.error('docs/metrics.md: not what src/ops/metrics.ts gives; run: npm run metrics')
  return 1
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exitCode = main(process.argv.slice(2))
}
