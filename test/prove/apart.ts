// apart.ts: the master of a set on a core that no other server of the set uses, as on a machine of its own. On one that
// all share, a replica that wakes up to read what the master writes may take its core.
import { execFile } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import type { Node, SentinelSet } from '../support/sentinel-set.ts'

const run = promisify(execFile)

/** @throws Error on one core, or without `taskset` (Linux). */
export async function setApart(set: SentinelSet, master: Node): Promise<void> {
  const cores = availableParallelism()
  if (cores < 2) throw new Error('--apart needs two cores')
  const rest = cores === 2 ? '1' : `1-${cores - 1}`
  for (const node of set.living()) await run('taskset', ['-acp', node === master ? '0' : rest, String(node.pid)])
}
