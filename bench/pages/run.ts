// run.ts: `npm run bench:pages`: measures what README.md and docs/performance.md show, and writes their tables.
//
//   npm run bench:pages                          everything, about forty minutes, on a machine with nothing else to do
//   npm run bench:pages -- DIR                   what is not in DIR yet; then the pages. Delete a file to measure it anew
//   npm run bench:pages -- DIR --predixy PROGRAM --base CHECKOUT

import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { fillBlocks } from './blocks.ts'
import { fileOf, type Runs, readRuns, runNames, words } from './runs.ts'
import { behindList, cpuTable, fullTables, longTable, shortTable } from './speed.ts'
import { callsTable, factsLine, restTable, tailTable } from './tail-and-rest.ts'

const root = resolve(import.meta.dirname, '../..')
const pages = ['README.md', 'docs/performance.md']

/** The texts by the names of their blocks. */
export function textsOf(runs: Runs): Map<string, string> {
  return new Map([
    ['short', shortTable(runs.compare)],
    ['facts', factsLine(runs.compare)],
    ['long', longTable(runs.compare)],
    ['cpu', cpuTable(runs.compare)],
    ['behind', behindList(runs.compare)],
    ['full', fullTables(runs.full)],
    ['tail', tailTable(runs.tail)],
    ['calls', callsTable(runs.calls)],
    ['rest', restTable(runs.rest)],
  ])
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { predixy: { type: 'string' }, base: { type: 'string' } },
  })
  const stamp = new Date().toISOString().replaceAll(/[:.]/g, '-')
  const folder = resolve(positionals[0] ?? join(root, 'bench/results', `pages-${stamp}`))
  mkdirSync(folder, { recursive: true })
  for (const name of runNames) {
    if (existsSync(fileOf(folder, name))) continue
    const peers = Object.entries(values).flatMap(([word, value]) => [`--${word}`, value])
    await measure([...words[name], ...peers, '--json', fileOf(folder, name)])
  }
  const texts = textsOf(readRuns(folder))
  for (const page of pages) {
    const path = join(root, page)
    writeFileSync(path, fillBlocks(readFileSync(path, 'utf8'), texts))
    console.log(`${page}: the tables of ${folder}`)
  }
}

function measure(args: readonly string[]): Promise<void> {
  console.log(`\nnpm run bench -- ${args.join(' ')}`)
  const child = spawn(process.execPath, [join(import.meta.dirname, '../run.ts'), ...args], { stdio: 'inherit' })
  return new Promise((done, failed) => {
    child.once('error', failed)
    child.once('close', code => (code === 0 ? done() : failed(new Error(`the benchmark ended with ${code}`))))
  })
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    await main()
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}
