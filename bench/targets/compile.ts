// compile.ts: makes a program from one C file, in the run's own folder.

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Stage } from '../stage.ts'

/** Gives the path of the program. Rejects with ENOENT where there is no compiler. */
export async function compile(stage: Stage, source: string, name: string): Promise<string> {
  const program = join(stage.folder, name)
  await promisify(execFile)('cc', ['-O2', '-o', program, source])
  return program
}
