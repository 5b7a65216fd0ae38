// apart.ts: the master of a set on a core that no other server of the set uses, as on a machine of its own. On one that
// all share, a replica that wakes up to read what the master writes may take its core.
import { execFile, execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import type { Node, SentinelSet } from '../support/sentinel-set.ts'

const run = promisify(execFile)

/** There are two cores, and `taskset` (Linux). */
export function canBeApart(): boolean {
  if (availableParallelism() < 2) return false
  try {
    execFileSync('taskset', ['-p', String(process.pid)], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Where `canBeApart()`. The master has the first core, all other servers that live share the rest. */
export async function setApart(set: SentinelSet, master: Node): Promise<void> {
  const cores = availableParallelism()
  const rest = cores === 2 ? '1' : `1-${cores - 1}`
  for (const node of set.living()) await run('taskset', ['-acp', node === master ? '0' : rest, String(node.pid)])
}
