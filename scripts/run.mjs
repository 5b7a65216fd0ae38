// run.mjs: runs a TypeScript file or a tool of this checkout with this checkout's own Node, from any Node and npm.
//
//   node scripts/run.mjs src/main.ts --help        node scripts/run.mjs biome check
//
// Installs the packages first where they are missing; passes signals on and keeps the exit code.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { binEnvironment, root, SetupError, setupPackages } from './setup.mjs'

/**
 * Starts `words` (a script and its arguments, or a tool of node_modules/.bin and its arguments) under `node`.
 * A signal sent to this process alone goes on to the child; Ctrl-C reaches it without help, and twice means at once.
 */
export function start(node, words, options = {}) {
  const [first = '', ...rest] = words
  const script = /\.[cm]?[jt]s$/.test(first) ? first : join(root, 'node_modules', '.bin', first)
  const child = spawn(node, [...nodeFlags(script), script, ...rest], {
    env: binEnvironment(),
    stdio: 'inherit',
    ...options,
  })
  const signals = process.stdin.isTTY ? ['SIGTERM', 'SIGHUP'] : ['SIGTERM', 'SIGHUP', 'SIGINT']
  // A terminal that is closed means the end, and SIGHUP alone would be a reason to read files again.
  for (const signal of signals) process.on(signal, () => child.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal))
  if (process.stdin.isTTY) process.on('SIGINT', () => {})
  return child
}

/** The flags that a script's first line gives Node: `#!/usr/bin/env -S node --flag`; a package's tool may have none. */
function nodeFlags(script) {
  const line = readFileSync(script, 'utf8').split('\n', 1)[0] ?? ''
  return /^#!.*\bnode (.*)$/.exec(line)?.[1]?.split(' ').filter(Boolean) ?? []
}

/** The exit code of a child: its own, 128 and the signal's number as shells have it, or 127 when it cannot start. */
export function exitCode(child) {
  return new Promise(resolve => {
    child.once('error', error => {
      process.stderr.write(`cannot start ${child.spawnfile}: ${error.message}\n`)
      resolve(127)
    })
    child.once('close', (code, signal) => resolve(code ?? 128 + (constants.signals[signal] ?? 0)))
  })
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    process.exitCode = await exitCode(start(setupPackages(), process.argv.slice(2)))
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  }
}
