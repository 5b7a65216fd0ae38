// node-flags.ts: sets the flags that Node needs for a proxy, however the program starts: by `holdfast`, by `node
// dist/main.js`, from a package. Reasons and measurements: docs/decisions/0008-garbage-collector.md.
//
// V8 reads them when it makes its heap, so the process replaces itself by one with the flags: same pid, same
// descriptors. A first line with flags (`env -S`) would be simpler, but the env of busybox has no -S.
// Never: replaces a process twice, or overrides a given flag.
import { accessSync, constants, statSync } from 'node:fs'
import { basename, delimiter, isAbsolute, join } from 'node:path'

/** In the order in which the image and docs/operations.md give them. */
export const nodeFlags: readonly string[] = ['--single-threaded-gc', '--max-semi-space-size=4']

/** Those of `nodeFlags` that neither `execArgv` nor NODE_OPTIONS gives, with any value. */
export function missingFlags(execArgv: readonly string[], nodeOptions = ''): string[] {
  return nodeFlags.filter(flag => !isGiven(flag, execArgv, nodeOptions))
}

/** With any value, or its contrary. */
export function isGiven(flag: string, execArgv: readonly string[], nodeOptions = ''): boolean {
  return [...execArgv, ...nodeOptions.split(/\s+/)].some(one => nameOf(one) === nameOf(flag))
}

/** V8 reads `_` as `-`, and `--no-` ahead of a switch. */
function nameOf(flag: string): string {
  return flag
    .replace(/=.*$/s, '')
    .replaceAll('_', '-')
    .replace(/^--no-/, '--')
}

/**
 * Does not return where flags are missing and the system can replace a process. Goes on without them where the system
 * cannot (Windows), where Node's own permissions forbid it (`--permission`), and under a parent that talks over the
 * channel of Node, which would be lost.
 */
export function restartWithFlags(): void {
  const { NODE_OPTIONS } = process.env
  const missing = missingFlags(process.execArgv, NODE_OPTIONS)
  if (missing.length === 0 || process.connected || process.execve === undefined) return
  // It is there under --permission alone, whatever its type says.
  const { permission } = process as { readonly permission?: NodeJS.Process['permission'] }
  if (permission?.has('child') === false) return
  const node = ownProgram()
  // Node ends the process with a core dump where `execve` fails, so nothing else is tried.
  if (node === undefined) return
  const [, script = ''] = process.argv
  process.execve(node, [node, ...missing, ...process.execArgv, script, ...process.argv.slice(2)], process.env)
}

/**
 * The file of Node. Without /proc (a bare chroot) `execPath` is only the word of the call; PATH finds the file. Where
 * Node is run by the system's loader (`ld-linux-x86-64.so.2 node ...`), `execPath` is the loader, which takes no flags.
 */
function ownProgram(): string | undefined {
  const { PATH = '' } = process.env
  const name = basename(process.execPath)
  if (isLoader(name)) return undefined
  const called = PATH.split(delimiter).map(folder => join(folder || '.', name))
  return [process.execPath, ...called].find(file => isAbsolute(file) && isExecutable(file))
}

/** Of glibc (`ld-linux-aarch64.so.1`, `ld-2.31.so`, `ld64.so.2`) and of musl (`ld-musl-x86_64.so.1`). */
function isLoader(name: string): boolean {
  return /^ld(?:64)?[-.].*so(?:\.\d+)?$/.test(name)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}
