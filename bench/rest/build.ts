// build.ts: a checkout as its package is: a copy in the run's folder, built there by the checkout's own script.
//
// What starts or rests is measured as users have it. From source, the removal of types would be half of it.
// Never: writes into the checkout.

import { execFile } from 'node:child_process'
import { cp, readdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Stage } from '../stage.ts'

const leftOut = new Set(['.git', 'node_modules', 'dist', 'test', 'docs', 'bench'])

/** Gives the path of the program (`dist/main.js`). Rejects with the last words of the build when that fails. */
export async function buildCopy(stage: Stage, name: string, checkout: string): Promise<string> {
  const folder = join(stage.folder, `built-${name}`)
  for (const entry of await readdir(checkout)) {
    if (!leftOut.has(entry)) await cp(join(checkout, entry), join(folder, entry), { recursive: true })
  }
  await symlink(join(checkout, 'node_modules'), join(folder, 'node_modules'))
  await promisify(execFile)(process.execPath, ['scripts/build.mjs'], { cwd: folder })
  return join(folder, 'dist', 'main.js')
}
