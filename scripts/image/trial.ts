// trial.ts: the image as people run it: as the proxy in front of a real Sentinel set whose master is killed.
//
// Owns: one container, its set and its load. Never: builds images, decides what is good enough (image-check.ts does).

import type { Report } from '../../test/support/ledger.ts'
import { SentinelSet } from '../../test/support/sentinel-set.ts'
import { freePort } from '../../test/support/servers.ts'
import { waitUntil } from '../../test/support/wait-until.ts'
import { readBack, startWorkload, type Workload } from '../../test/support/workload.ts'
import type { Store } from './store.ts'

export interface Trial {
  readonly report: Report
  /** Exit code of the image's own health check: before the kill, and after the new master is served. */
  readonly healthy: readonly number[]
  /** Megabytes of the process at most. */
  readonly peakMb: number
  /** Of the container, after SIGTERM. */
  readonly exitCode: number
  readonly stopMs: number
}

const name = 'holdfast-check'
/** As in deploy/kubernetes, so that what is tried here is what is promised there. */
const limits = ['--read-only', '--cap-drop', 'all', '--security-opt', 'no-new-privileges', '--memory', '192m']

/** Runs `image` without rights and without a writable file, kills the master under load, stops the container. */
export async function tryImage(store: Store, image: string): Promise<Trial> {
  const set = await SentinelSet.start()
  try {
    const port = await startContainer(store, { image, set })
    const workload = startWorkload({ port, rawClients: 10, ioredisClients: 10, roundsPerSecond: 20 })
    const healthy = [await health(store, 'healthy before the kill')]
    const old = await set.currentMaster()
    await servedAgain(workload)
    await set.kill(old)
    await set.waitForNewMaster(old, { withinMs: 30_000 })
    await servedAgain(workload)
    healthy.push(await health(store, 'healthy after the kill'))
    await workload.stop()
    const report = workload.ledger.report(await readBack(workload.ledger, await set.currentMaster()))
    return { report, healthy, peakMb: await peak(store), ...(await stop(store)) }
  } finally {
    await set.stopAll()
  }
}

interface Start {
  readonly image: string
  readonly set: SentinelSet
}

/** Answers the port for clients once they may connect. */
async function startContainer(store: Store, { image, set }: Start): Promise<number> {
  const port = await freePort()
  const settings = {
    HOLDFAST_SENTINELS: set.sentinelAddresses().join(','),
    HOLDFAST_MASTER: set.masterName,
    HOLDFAST_LISTEN: `127.0.0.1:${port}`,
    HOLDFAST_ADMIN_LISTEN: `127.0.0.1:${await freePort()}`,
    HOLDFAST_MAX_HELD_BYTES: '64mb',
  }
  const variables = Object.entries(settings).flatMap(([variable, value]) => ['--env', `${variable}=${value}`])
  await store.run('podman', 'run', '--detach', '--pull', 'never', '--name', name, ...limits, ...variables, image)
  const listening = async (): Promise<boolean> => (await logs(store)).includes('process.listening')
  await waitUntil('the container listens', listening, { withinMs: 20_000, everyMs: 100 })
  return port
}

async function logs(store: Store): Promise<string> {
  const running = await store.run('podman', 'inspect', '--format', '{{.State.Running}}', name)
  const text = await store.run('podman', 'logs', name)
  if (running.trim() !== 'true') throw new Error(`the container ended: ${text.slice(-2000)}`)
  return text
}

/** Twenty clients, each with a reply to something it sent from now on. */
async function servedAgain({ ledger }: Workload): Promise<void> {
  const from = ledger.operations.length
  const served = (): boolean => {
    const fresh = ledger.operations.slice(from).filter(({ outcome }) => outcome.kind === 'ok')
    return new Set(fresh.map(({ client }) => client)).size === 20
  }
  await waitUntil('every client is served', served, { withinMs: 30_000, everyMs: 50 })
}

/** The image's HEALTHCHECK, run as Docker would; waits until it says yes, answers its last exit code. */
async function health(store: Store, what: string): Promise<number> {
  let code = -1
  const ask = async (): Promise<boolean> => {
    code = await store.run('podman', 'healthcheck', 'run', name).then(
      () => 0,
      () => 1,
    )
    return code === 0
  }
  await waitUntil(what, ask, { withinMs: 10_000, everyMs: 200 }).catch(() => {})
  return code
}

async function peak(store: Store): Promise<number> {
  const script = `const line = require('fs').readFileSync('/proc/1/status', 'utf8').match(/VmHWM:\\s+(\\d+)/); console.log(line[1])`
  const kilobytes = await store.run('podman', 'exec', name, 'node', '-e', script)
  return Math.round(Number(kilobytes) / 1024)
}

async function stop(store: Store): Promise<Pick<Trial, 'exitCode' | 'stopMs'>> {
  const from = performance.now()
  await store.run('podman', 'stop', '--time', '15', name)
  const stopMs = Math.round(performance.now() - from)
  const exitCode = Number(await store.run('podman', 'inspect', '--format', '{{.State.ExitCode}}', name))
  await store.run('podman', 'rm', '--force', name)
  return { exitCode, stopMs }
}
