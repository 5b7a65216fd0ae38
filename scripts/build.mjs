// build.mjs: compiles src/ into a fresh dist/ and makes its entry point a program.
import { chmodSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { exitCode, start } from './run.mjs'
import { root, SetupError, setupPackages } from './setup.mjs'

try {
  const node = setupPackages()
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  const code = await exitCode(start(node, ['tsc', '-p', 'tsconfig.build.json'], { cwd: root }))
  if (code === 0) chmodSync(join(root, 'dist', 'main.js'), 0o755)
  process.exitCode = code
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
