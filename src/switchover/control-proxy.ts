// control-proxy.ts: the running proxy as a switchover needs it, over its control socket.
import type { ControlClient } from '../control/client.ts'
import { holdPause } from '../control/held-pause.ts'
import { ControlError } from '../control/protocol.ts'
import type { ProxyControl, Served, Standing, Waits } from './proxy-hold.ts'

/** A pause outlives a standstill of this process by no more than this, ms. */
const LEASE_MS = 2_000

/** Who pauses the proxy, as its log, status and page name it. */
export type Holder = 'switchover' | 'drill'

/** @throws ControlError: what the proxy says, or that it serves no such master. */
export async function controlProxy(
  client: ControlClient,
  { masterName, by }: { readonly masterName: string; readonly by: Holder },
): Promise<ProxyControl> {
  const first = await client.ask('status')
  if (statusIn(first, masterName) === null) {
    const names = mastersIn(first).map(one => String(one['masterName']))
    const cause = `the proxy at the control socket serves no master of the name ${masterName}`
    const remedy = `it serves ${names.join(', ')}: correct the name, or --control-socket`
    throw new ControlError({ code: 'unknown-master', cause, remedy })
  }
  const status = async (): Promise<Fields> => statusIn(await client.ask('status'), masterName) ?? {}
  return {
    instance: String(first['instance'] ?? ''),
    async standing(): Promise<Standing> {
      const { dryRun, pause, held } = await status()
      const { by, forMs, endsInMs } = fieldsOf(pause)
      const { limitMs } = fieldsOf(held)
      return {
        isDryRun: dryRun === true,
        pause: by === undefined ? null : { by: String(by), forMs: Number(forMs), endsInMs: Number(endsInMs) },
        holdLimitMs: typeof limitMs === 'number' ? limitMs : null,
      }
    },
    async links() {
      const { ids } = await client.ask('links', { master: masterName })
      return new Set(Array.isArray(ids) ? ids.map(String) : [])
    },
    async pause({ maxMs, emptyMs, stop }) {
      const terms = { master: masterName, by, leaseMs: LEASE_MS, ignoreBlocked: true, maxMs, emptyMs }
      const { reached, ended, resume } = await holdPause(client, terms, stop)
      return { emptiedMs: reached.masters[0]?.ms ?? 0, ended, resume }
    },
    async served(): Promise<Served> {
      const { master, gate, held } = await status()
      const state = fieldsOf(gate)['state']
      return {
        master: typeof fieldsOf(master)['address'] === 'string' ? String(fieldsOf(master)['address']) : null,
        isConfirmed: state === 'open' || state === 'draining',
        waiting: Number(fieldsOf(held)['requests'] ?? 0),
      }
    },
    async waits(): Promise<Waits | null> {
      const { lastPause } = await status()
      const waits = fieldsOf(lastPause)
      if (typeof waits['commands'] !== 'number') return null
      return waits as unknown as Waits
    },
    close: () => client.close(),
  }
}

type Fields = Readonly<Record<string, unknown>>

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

/** The part of the status about this master; null: it is not served there. */
function statusIn(status: Fields, masterName: string): Fields | null {
  return mastersIn(status).find(one => one['masterName'] === masterName) ?? null
}

function mastersIn(status: Fields): readonly Fields[] {
  const { masters } = status
  return Array.isArray(masters) ? masters.map(fieldsOf) : [status]
}
