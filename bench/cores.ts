// cores.ts: which core the proxy, redis-server and the load each run on (--cores), instead of where the kernel puts them.
//
// Processes that share two cores fall into one of a few patterns and stay there for seconds, and a command costs up to
// half as much again in one as in another. Left to the kernel, a median says how often each pattern came up.
//
// The load is this process and its children. The Sentinels run where they like. Linux alone, with taskset (util-linux).
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Backend } from './backend.ts'
import type { Target } from './targets.ts'

/** Core numbers, as taskset reads them. */
export interface Cores {
  readonly proxy: string
  readonly server: string
  readonly load: string
}

const run = promisify(execFile)

/** @throws Error in plain words. */
export function readCores(text: string): Cores {
  const cores = text.split(',')
  const [proxy, server, load] = cores
  if (cores.length !== 3 || !cores.every(core => /^\d+$/.test(core)) || !proxy || !server || !load)
    throw new Error(`--cores: three core numbers, of the proxy, redis-server and the load, as in 0,1,1; not ${text}`)
  return { proxy, server, load }
}

/** Every process that runs already; what the load starts later inherits its core. */
export async function placeOnCores(
  { proxy, server, load }: Cores,
  backend: Backend,
  targets: readonly Target[],
): Promise<void> {
  for (const { process: running } of targets) if (running !== null) await place(running.pid, proxy)
  await place(backend.pid, server)
  await place(process.pid, load)
}

async function place(pid: number, core: string): Promise<void> {
  await run('taskset', ['--all-tasks', '--cpu-list', '--pid', core, String(pid)])
}
