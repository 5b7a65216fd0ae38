// snippets.ts: the code of the page, run as it is but for its ports: it must print what it has stored.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Teardown } from '../support/fake-redis.ts'
import { startHoldfast } from '../support/holdfast.ts'
import { processEnded, reapProcess } from '../support/reaper.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { makeFolder, removeFolder } from '../support/servers.ts'
import { deadline } from '../support/wait-until.ts'
import type { Client } from './client.ts'
import { removeLeftovers } from './leftovers.ts'

const folderOfSnippets = join(import.meta.dirname, 'snippets')
const withinMs = 60_000

export const snippetOf = ({ snippet }: Client): string => readFileSync(join(folderOfSnippets, snippet.file), 'utf8')

export interface Tried {
  readonly client: Client
  /** What it printed instead of `hello`. */
  readonly problem?: string
}

/** Runs each against a set of its own, one after the other. */
export async function runSnippets(clients: readonly Client[]): Promise<Tried[]> {
  const ends: (() => unknown)[] = []
  const t: Teardown = { teardown: end => void ends.unshift(end) }
  try {
    const set = await SentinelSet.start({ replicas: 1 })
    t.teardown(() => set.stopAll())
    const options = { 'sentinel-listen': '127.0.0.1:0' }
    const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses(), options })
    const tried: Tried[] = []
    for (const client of clients) {
      const folder = await makeFolder()
      try {
        const { printed, said } = await outputOf(client, folder, holdfast.port, holdfast.sentinelPort)
        tried.push(printed.trim() === 'hello' ? { client } : { client, problem: `${printed}\n${said}` })
      } finally {
        await removeFolder(folder)
      }
    }
    return tried
  } finally {
    for (const end of ends) await end()
  }
}

interface Output {
  readonly printed: string
  /** Standard error: what it logged. */
  readonly said: string
}

async function outputOf(client: Client, folder: string, port: number, sentinelPort: number): Promise<Output> {
  const file = join(folder, client.snippet.file)
  const ports = snippetOf(client).replaceAll('26379', String(sentinelPort)).replaceAll('6379', String(port))
  writeFileSync(file, ports)
  for (const [name, at] of Object.entries(client.snippet.modules?.() ?? {})) {
    mkdirSync(dirname(join(folder, 'node_modules', name)), { recursive: true })
    symlinkSync(at, join(folder, 'node_modules', name))
  }
  const [program, ...words] = client.snippet.start(file, folder)
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] })
  if (child.pid !== undefined) reapProcess(child.pid)
  const end = deadline(withinMs, () => child.kill('SIGKILL'))
  const output = { printed: '', said: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.printed += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.said += text
  })
  await Promise.race([once(child, 'close'), once(child, 'error').then(([error]) => Promise.reject(error))])
  end()
  if (child.pid !== undefined) processEnded(child.pid)
  removeLeftovers(child.pid)
  return output
}
