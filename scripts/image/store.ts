// store.ts: a container store of its own in a folder that is removed afterwards, and the two tools that work in it.
//
// Owns: the folder, the settings of buildah and podman. Never: touches the images and containers that the machine has.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Store {
  readonly folder: string
  /** Runs a tool with this store; answers what it wrote. @throws Error with the end of what it said. */
  run(tool: 'buildah' | 'podman', ...args: readonly string[]): Promise<string>
  /** Ends every container of the store and removes it. */
  remove(): Promise<void>
}

export function createStore(): Store {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-image-'))
  const file = (name: string, lines: readonly string[]): string => {
    const path = join(folder, name)
    writeFileSync(path, `${lines.join('\n')}\n`)
    return path
  }
  const env = {
    ...process.env,
    CONTAINERS_STORAGE_CONF: file('storage.conf', [
      '[storage]',
      'driver = "overlay"',
      `graphroot = "${join(folder, 'images')}"`,
      `runroot = "${join(folder, 'run')}"`,
    ]),
    // The limits of this machine are what a container may have at most; the defaults of the tools can be higher.
    CONTAINERS_CONF: file('containers.conf', [
      '[containers]',
      `default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]`,
      'netns = "host"',
      '[engine]',
      'runtime = "runc"',
      'cgroup_manager = "cgroupfs"',
      'events_logger = "file"',
    ]),
  }
  const run: Store['run'] = (tool, ...args) => output(tool, args, env)
  return {
    folder,
    run,
    async remove() {
      await run('podman', 'rm', '--all', '--force', '--time', '1')
      // Layers are mounted while a container runs, so the tool has to take them away, not rm.
      await run('podman', 'system', 'reset', '--force')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Standard output of a command. @throws Error with the end of what it wrote to standard error. */
export function output(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let out = ''
    let tail = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
      tail = (tail + text).slice(-4096)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      tail = (tail + text).slice(-4096)
    })
    child.once('error', reject)
    child.once('close', code => {
      if (code === 0) resolve(out)
      else reject(new Error(`${[command, ...args].join(' ')}: exit code ${code}\n${tail}`))
    })
  })
}
