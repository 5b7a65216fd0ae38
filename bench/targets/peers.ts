// peers.ts: the proxies that people run in front of Redis, each with one thread unless its name says otherwise.
//
// Owns: their command lines and configuration files, which are written into the run's folder.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../../test/support/servers.ts'
import { waitForPort } from '../stage.ts'
import type { Context, Target } from './target.ts'

export async function startHaproxy({ name, stage, backend, port }: Context, threads: number): Promise<Target> {
  const file = join(stage.folder, `${name}.cfg`)
  const config = [
    'global',
    '  maxconn 8000',
    `  nbthread ${threads}`,
    'defaults',
    '  mode tcp',
    '  timeout connect 5s',
    '  timeout client 1h',
    '  timeout server 1h',
    'listen redis',
    `  bind 127.0.0.1:${port}`,
    `  server master 127.0.0.1:${backend.port}`,
  ]
  await writeFile(file, `${config.join('\n')}\n`)
  const running = await stage.start(name, 'haproxy', ['-db', '-f', file])
  await waitForPort(port, running)
  return { name, port, process: running, lacks: [] }
}

export async function startTwemproxy({ name, stage, backend, port }: Context): Promise<Target> {
  const file = join(stage.folder, 'nutcracker.yml')
  const config = [
    'bench:',
    `  listen: 127.0.0.1:${port}`,
    '  redis: true',
    '  backlog: 4096',
    '  hash: fnv1a_64',
    '  distribution: ketama',
    '  auto_eject_hosts: false',
    '  server_connections: 1',
    '  servers:',
    `   - 127.0.0.1:${backend.port}:1`,
  ]
  await writeFile(file, `${config.join('\n')}\n`)
  const statsPort = await freePort()
  const args = ['-c', file, '-a', '127.0.0.1', '-s', String(statsPort), '-v', '1']
  const running = await stage.start(name, 'nutcracker', args)
  await waitForPort(port, running)
  return { name, port, process: running, lacks: ['resp3', 'blocking'] }
}

/**
 * The program is built by hand, so its path is given. The file follows its own conf/predixy.conf and
 * conf/standalone.conf: one worker, one server that does not change, no access rules.
 */
export async function startPredixy({ name, stage, backend, port, options }: Context): Promise<Target> {
  const { predixy: program } = options
  if (program === undefined) throw new Error('it needs --predixy PATH')
  const file = join(stage.folder, 'predixy.conf')
  const config = [
    'Name bench',
    `Bind 127.0.0.1:${port}`,
    'WorkerThreads 1',
    'LogNoticeSample 0',
    'StandaloneServerPool {',
    '    RefreshMethod fixed',
    '    Group bench {',
    `        + 127.0.0.1:${backend.port}`,
    '    }',
    '}',
  ]
  await writeFile(file, `${config.join('\n')}\n`)
  const running = await stage.start(name, program, [file])
  await waitForPort(port, running)
  return { name, port, process: running, lacks: ['resp3'] }
}
