// page.ts: the parts of docs/clients.md that are made: the table of a run, and the code for each client.
import { readFileSync, writeFileSync } from 'node:fs'
import { withPart } from '../support/page-part.ts'
import type { Client } from './client.ts'
import { absent, clients } from './clients.ts'
import { resultTable, sayings } from './report.ts'
import { snippetOf } from './snippets.ts'
import type { Outcome } from './trials.ts'

const page = new URL('../../docs/clients.md', import.meta.url)

const fences: Readonly<Record<string, string>> = {
  mjs: 'js',
  py: 'python',
  rb: 'ruby',
  php: 'php',
  c: 'c',
  java: 'java',
  pl: 'perl',
  go: 'go',
}

/** The code for all clients, of which the settings are part: those with the same code share it. */
export function codePart(): string {
  const files = [...new Set(clients.map(({ snippet }) => snippet.file))]
  return files
    .map(file => {
      const own = clients.filter(({ snippet }) => snippet.file === file)
      const [first] = own
      if (first === undefined) throw new Error(`no client has ${file}`)
      const why = own.map(client => `${client.recommended === null ? '' : `Set ${client.recommended}. `}${client.why}`)
      const title = own.map(({ name }) => name).join(', ')
      const fence = fences[file.split('.').at(-1) ?? ''] ?? ''
      return `### ${title} (${first.language})\n\n${why.join(' ')}\n\n\`\`\`${fence}\n${snippetOf(first).trim()}\n\`\`\``
    })
    .join('\n\n')
}

/** Writes the table and the code; a client that could not be run keeps its code and has no row. */
export function writePage(outcomes: readonly Outcome[], versions: ReadonlyMap<Client, string>): void {
  const said = sayings(outcomes)
  const results = [
    resultTable(outcomes, versions),
    ...(said.length === 0 ? [] : ['What they said, four texts at most:', said.join('\n')]),
    `Not tried, because the machine that made this table could not have them: ${absent.join('; ')}.`,
  ]
  writeFileSync(page, withPart(readFileSync(page, 'utf8'), 'results', results.join('\n\n')))
  writeCode()
}

export function writeCode(): void {
  writeFileSync(page, withPart(readFileSync(page, 'utf8'), 'code', codePart()))
}
