// run.ts: `--tail`: runs the rows, prints each table when it is done, keeps all samples in a file.

import type { Options } from '../options.ts'
import { prepare } from '../prepare.ts'
import { factsText, runFacts, writeRun } from '../results.ts'
import type { Stage } from '../stage.ts'
import { makePrograms } from './generators.ts'
import { summarizeRow, tailLegend, tailTable } from './report.ts'
import { runTail } from './tail.ts'

export async function reportTail(options: Options, stage: Stage): Promise<void> {
  const { tailRows: rows, rounds, seconds, traceGc } = options
  const facts = runFacts(new Date(), options)
  const { backend, targets } = await prepare(options, stage, { traceGc })
  const programs = await makePrograms(stage, options.generator)
  console.log(factsText(facts))
  const language = programs.language === 'c' ? 'C' : 'Node'
  console.log(`${rounds} rounds of ${seconds} s for each of ${rows.length} rows, load generators in ${language}`)
  console.log(`${tailLegend()}\n`)
  const results = await runTail(rows, stage, backend, targets, { rounds, seconds, traceGc, programs }, result => {
    console.log(`${tailTable(result, options.targets)}\n`)
  })
  const written = results.map(one => ({ ...summarizeRow(one), samples: one.samples }))
  console.log(`all samples: ${writeRun(options.json, facts, { generators: language, rows: written })}`)
}
