// build.mjs: makes dist/, with the packages and the Node of this checkout.
import { exitCode, start } from './run.mjs'
import { root, SetupError, setupPackages } from './setup.mjs'

try {
  process.exitCode = await exitCode(start(setupPackages(), ['scripts/bundle.mjs'], { cwd: root }))
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
