// floors.ts: servers that do nothing but what every server must: what is left when a proxy costs nothing.

import { join } from 'node:path'
import { waitForPort } from '../stage.ts'
import { compile } from './compile.ts'
import type { Context, Target } from './target.ts'

const ownFolder = import.meta.dirname
const echoLacks = ['server', 'resp3', 'blocking'] as const

/** A byte pipe in Node, in front of the server. */
export async function startPipe({ name, stage, backend, port }: Context): Promise<Target> {
  const script = join(ownFolder, 'pipe-proxy.ts')
  const running = await stage.start(name, process.execPath, [script, String(port), String(backend.port)])
  await waitForPort(port, running)
  return { name, port, process: running, lacks: [] }
}

/** An echo in Node: by the streams that every program uses, or with memory of its own for what is read. */
export async function startEcho({ name, stage, port }: Context, way: 'streams' | 'onread'): Promise<Target> {
  const running = await stage.start(name, process.execPath, [join(ownFolder, 'echo.ts'), String(port), way])
  await waitForPort(port, running)
  return { name, port, process: running, lacks: echoLacks }
}

/** The same in C, compiled into the run's folder. Rejects with ENOENT where there is no compiler. */
export async function startEchoInC({ name, stage, port }: Context): Promise<Target> {
  const program = await compile(stage, join(ownFolder, 'echo.c'), 'echo')
  const running = await stage.start(name, program, [String(port)])
  await waitForPort(port, running)
  return { name, port, process: running, lacks: echoLacks }
}
