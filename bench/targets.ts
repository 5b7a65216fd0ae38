// targets.ts: what can be measured, and how each is started in front of the same redis-server.
//
// Owns: the table of targets, their command lines and configuration files. A target whose program is not installed, or
// that does not start, is left out with the reason; that never ends the run.

import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { nodeFlags } from '../src/cli/node-flags.ts'
import { freePort } from '../test/support/servers.ts'
import type { Backend } from './backend.ts'
import { type Stage, waitForPort } from './stage.ts'
import { startEcho, startEchoInC, startPipe } from './targets/floors.ts'
import { startHaproxy, startPredixy, startTwemproxy } from './targets/peers.ts'
import type { Context, Starter, Target, TargetOptions } from './targets/target.ts'

export type { Feature, Target, TargetOptions } from './targets/target.ts'

export const ownCheckout = resolve(import.meta.dirname, '..')

const starters: Record<string, Starter> = {
  direct: async ({ name, backend }) => ({ name, port: backend.port, process: null, lacks: [] }),
  haproxy: context => startHaproxy(context, 1),
  haproxy2: context => startHaproxy(context, 2),
  twemproxy: startTwemproxy,
  predixy: startPredixy,
  pipe: startPipe,
  'echo-node': context => startEcho(context, 'streams'),
  'echo-onread': context => startEcho(context, 'onread'),
  'echo-c': startEchoInC,
  holdfast: context => inFrontOf(context, ownCheckout),
  'holdfast-with': context => inFrontOf(context, ownCheckout, 'own', context.options.further ?? []),
  'holdfast-noflags': context => inFrontOf(context, ownCheckout, 'none'),
  base: context => inFrontOf(context, context.options.baseCheckout ?? ownCheckout),
  'base-noflags': context => inFrontOf(context, context.options.baseCheckout ?? ownCheckout, 'none'),
}

export const targetNames: readonly string[] = Object.keys(starters)

/** Whether a target is a Holdfast, of this checkout or of the base. */
export function isHoldfast(name: string): boolean {
  return /^(holdfast|base)\b/.test(name)
}

/** Targets that ask Sentinels who the master is. */
export function needsSentinels(names: readonly string[]): boolean {
  return names.some(isHoldfast)
}

/**
 * Starts the named targets, in this order; those that cannot be started are missing from the result and named to
 * `leftOut`.
 */
export async function startTargets(
  names: readonly string[],
  stage: Stage,
  backend: Backend,
  options: TargetOptions,
  leftOut: (name: string, why: string) => void,
): Promise<Target[]> {
  const targets: Target[] = []
  for (const name of names) {
    const start = starters[name]
    if (start === undefined) throw new Error(`no target ${name}; there are: ${targetNames.join(', ')}`)
    try {
      targets.push(await start({ name, stage, backend, port: await freePort(), options }))
    } catch (error) {
      leftOut(name, explain(error))
    }
  }
  return targets
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if ('code' in error && error.code === 'ENOENT' && 'path' in error) return `${String(error.path)} is not installed`
  return error.message
}

export interface HoldfastOptions {
  name: string
  checkout: string
  sentinels: readonly string[]
  masterName: string
  profileFolder: string | undefined
  snapshotFolder?: string | undefined
  /** Node's flags: those it gives itself (the default), or none, as where a process cannot be replaced. */
  flags?: 'own' | 'none'
  /** Further arguments of its own. */
  extra?: readonly string[]
  traceGc?: boolean | undefined
  /** Where its admin server listens on 127.0.0.1, if it should. */
  adminPort?: number
}

/** From source, as every checkout has it; type stripping costs time at the start only. */
export async function startHoldfast(stage: Stage, options: HoldfastOptions): Promise<Target> {
  const { name, checkout, sentinels, masterName, profileFolder, snapshotFolder, adminPort, flags = 'own' } = options
  const main = join(checkout, 'src/main.ts')
  if (!existsSync(main)) throw new Error(`there is no ${main}`)
  const port = await freePort()
  const profile = profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(profileFolder)}`]
  const snapshots =
    snapshotFolder === undefined ? [] : ['--heapsnapshot-signal=SIGUSR2', `--diagnostic-dir=${resolve(snapshotFolder)}`]
  const own = flags === 'own' ? ownNodeFlags(main) : []
  const trace = options.traceGc === true ? ['--trace-gc'] : []
  const words = [...own, ...profile, ...snapshots, ...trace, main]
  const args = ['--sentinels', sentinels.join(','), '--master', masterName, '--listen', `127.0.0.1:${port}`]
  if (adminPort !== undefined) args.push('--admin-listen', `127.0.0.1:${adminPort}`)
  words.push(...args, ...(options.extra ?? []), '--log-level', 'warn')
  // Under a parent with a channel the program leaves its flags as they are: replaced, it would lose the channel.
  const running = await stage.start(name, process.execPath, words, { ipc: flags === 'none' })
  await waitForPort(port, running)
  return { name, port, process: running, lacks: [] }
}

/** Node's flags: older checkouts have them in the first line of the program (`#!/usr/bin/env -S node --flag`). */
function ownNodeFlags(program: string): readonly string[] {
  const line = readFileSync(program, 'utf8').split('\n', 1)[0] ?? ''
  return /^#!.*\bnode (.*)$/.exec(line)?.[1]?.split(' ').filter(Boolean) ?? nodeFlags
}

async function inFrontOf(
  { name, stage, backend, options }: Context,
  checkout: string,
  flags: 'own' | 'none' = 'own',
  extra: readonly string[] = [],
): Promise<Target> {
  const { masterName, sentinelPorts } = backend
  const sentinels = sentinelPorts.map(port => `127.0.0.1:${port}`)
  const { profileFolder, snapshotFolder, traceGc } = options
  return startHoldfast(stage, {
    ...{ name, checkout, sentinels, masterName, flags, extra },
    ...{ profileFolder, snapshotFolder, traceGc },
  })
}
