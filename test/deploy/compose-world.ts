// compose-world.ts: the services of docker/compose.yaml as processes of this machine: the same programs, words and
// files.
//
// Every name becomes `localhost` and every port a free one, as there is no network of containers here; the rest is what
// stands in the file. So the settings of Redis and Sentinel (names instead of addresses, quorum, time limits) and the
// client are proven; that Docker resolves the names is not. Owns: the processes, their folder. Never: changes what a
// service says.
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { processEnded, reapProcess } from '../support/reaper.ts'
import { ask } from '../support/resp-client.ts'
import { freePort, makeFolder, removeFolder } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'
import { readServices, type Service } from './compose-file.ts'
import { root } from './manifests.ts'

export interface Teardown {
  teardown(fn: () => unknown): void
}

export interface ComposeWorld {
  readonly services: ReadonlyMap<string, Service>
  /** Where a service listens. */
  port(name: string): number
  /** As `docker compose kill` does: SIGKILL. Answers when it has ended. */
  kill(name: string): Promise<void>
}

const redis = ['redis-master', 'redis-replica-1', 'redis-replica-2'] as const
const sentinels = ['sentinel-1', 'sentinel-2', 'sentinel-3'] as const
/** Both families, as `localhost` may mean either; the second only where the machine has it. */
const ownAddresses = ['--bind', '127.0.0.1', '-::1']

/** Starts master, replicas and Sentinels in the file's order; answers when its health checks would be satisfied. */
export async function startCompose(t: Teardown): Promise<ComposeWorld> {
  const services = readServices()
  const dir = await makeFolder()
  const ports = new Map<string, number>()
  const children = new Map<string, ChildProcess>()
  for (const name of [...redis, ...sentinels]) ports.set(name, await freePort())
  t.teardown(async () => {
    await Promise.all([...children.values()].map(endChild))
    await removeFolder(dir)
  })
  const port = (name: string): number => ports.get(name) ?? 0
  const world: ComposeWorld = {
    services,
    port,
    kill: async name => {
      const child = children.get(name)
      if (child !== undefined) await endChild(child)
    },
  }
  for (const name of redis) {
    const words = [...wordsOf(world, name), '--port', String(port(name)), ...ownAddresses, '--dir', dir]
    children.set(name, launch(words, {}))
    await waitUntil(`${name} answers`, () => answers(port(name), 'PING'), { withinMs: 10_000 })
  }
  for (const name of sentinels) children.set(name, startSentinel(world, name, dir))
  for (const name of sentinels) {
    const quorum = (): Promise<boolean> => answers(port(name), 'SENTINEL', 'CKQUORUM', 'mymaster')
    await waitUntil(`${name} has a quorum`, quorum, { withinMs: 30_000, everyMs: 100 })
  }
  return world
}

/** A service's command, with its names as they are known here. */
function wordsOf(world: ComposeWorld, name: string): string[] {
  const words = world.services.get(name)?.command ?? []
  return words.map((word, i) => {
    const before = words[i - 1]
    if (before !== undefined && isRedis(before) && word === '6379') return String(world.port(before))
    return isRedis(word) ? 'localhost' : word
  })
}

function isRedis(name: string): boolean {
  return redis.some(service => service === name)
}

function startSentinel(world: ComposeWorld, name: string, dir: string): ChildProcess {
  const given = join(dir, `${name}.given.conf`)
  const own = join(dir, `${name}.conf`)
  const lines = readFileSync(join(root, 'docker', 'sentinel.conf'), 'utf8')
  const known = lines
    .replace(/^port 26379$/m, `port ${world.port(name)}\nbind ${ownAddresses.slice(1).join(' ')}\ndir ${dir}`)
    .replace('redis-master 6379', `localhost ${world.port('redis-master')}`)
  writeFileSync(given, known)
  const entrypoint = world.services.get(name)?.entrypoint ?? []
  const words = entrypoint.map(word =>
    word.replaceAll('/etc/sentinel.conf', given).replaceAll('/tmp/sentinel.conf', own),
  )
  const environment = { ...world.services.get(name)?.environment }
  for (const [variable, value] of Object.entries(environment)) if (value === name) environment[variable] = 'localhost'
  return launch(words, environment)
}

/** What the program's log says of where it listens: clients, or the admin port. */
export function placeIn(log: string, what: 'address' | 'admin'): { readonly host: string; readonly port: number } {
  const line = log.split('\n').find(one => one.includes('"process.listening"')) ?? '{}'
  const [host = '', port] = String(JSON.parse(line)[what]).split(/:(?=\d+$)/)
  return { host, port: Number(port) }
}

/** Starts a process that is ended with the test, at the latest. */
export function launch(
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
  cwd = process.cwd(),
): ChildProcess {
  const [program = '', ...args] = words
  const { PATH } = process.env
  const child = spawn(program, args, { cwd, env: { PATH, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.resume()
  child.stderr.resume()
  const { pid } = child
  if (pid === undefined) return child
  reapProcess(pid)
  child.once('exit', () => processEnded(pid))
  return child
}

export async function endChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise(resolve => child.once('close', resolve))
  child.kill('SIGKILL')
  await ended
}

async function answers(port: number, ...words: readonly string[]): Promise<boolean> {
  const answer = await ask({ host: '127.0.0.1', port }, words)
  return typeof answer === 'string' && /^(PONG|OK)/.test(answer)
}
