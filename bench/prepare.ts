// prepare.ts: the servers and the targets of one run, started. Says which targets are left out, and why.

import { type Backend, startBackend } from './backend.ts'
import { placeOnCores } from './cores.ts'
import type { Options } from './options.ts'
import type { Stage } from './stage.ts'
import { needsSentinels, startTargets, type Target, type TargetOptions } from './targets.ts'

/** @throws Error when no target can be started. */
export async function prepare(
  options: Options,
  stage: Stage,
  rest: Partial<TargetOptions> = {},
): Promise<{ backend: Backend; targets: Target[] }> {
  const backend = await startBackend(stage, {
    sentinels: needsSentinels(options.targets),
    replicas: options.replicas,
  })
  const { profile: profileFolder, base: baseCheckout, predixy, further } = options
  const targetOptions = { profileFolder, baseCheckout, predixy, further, ...rest }
  const targets = await startTargets(options.targets, stage, backend, targetOptions, (name, why) => {
    console.log(`${name} left out: ${why}`)
  })
  if (targets.length === 0) throw new Error('no target could be started')
  if (options.cores !== undefined) await placeOnCores(options.cores, backend, targets)
  return { backend, targets }
}
