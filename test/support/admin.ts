// admin.ts: asks the admin port as a probe and as Prometheus do.
// Owns nothing; every question is a connection of its own, so that none outlives the port.
import { get } from 'node:http'
import { deadline } from './wait-until.ts'

export interface Answer {
  readonly status: number
  readonly body: string
}

/** GET of one path; `admin` is the port's URL. @throws Error when there is no answer within a second of a usual machine. */
export function ask(admin: string, path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = get(`${admin}${path}`, { agent: false }, response => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text
      })
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
    const end = deadline(1000, () => request.destroy(new Error(`${path}: no answer in a second`)))
    request.once('close', end).once('error', reject)
  })
}

/** The status codes of the three probes. */
export async function probes(admin: string): Promise<{ startup: number; ready: number; live: number }> {
  const [startup, ready, live] = await Promise.all(['/startup', '/ready', '/live'].map(path => ask(admin, path)))
  return { startup: startup?.status ?? 0, ready: ready?.status ?? 0, live: live?.status ?? 0 }
}

/** Every series of /metrics by its name with labels, as it stands there. */
export async function scrape(admin: string): Promise<ReadonlyMap<string, number>> {
  const { body } = await ask(admin, '/metrics')
  const lines = body.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return new Map(lines.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]))
}

/** The sum over all series of one metric. */
export function sumOf(series: ReadonlyMap<string, number>, name: string): number {
  let sum = 0
  for (const [key, value] of series) if (key === name || key.startsWith(`${name}{`)) sum += value
  return sum
}

/** /status, as far as the tests look at it. */
export interface Status {
  readonly stopping: boolean
  readonly master: { readonly address: string; readonly epoch: number } | null
  readonly gate: { readonly state: string; readonly cause: string | null; readonly forMs: number }
  readonly sessions: { readonly open: number }
  readonly links: {
    readonly shared: number
    readonly private: number
    readonly idle: number
    readonly identities: object[]
  }
  readonly held: { readonly requests: number; readonly bytes: number; readonly pendingBytes: number }
  readonly sentinels: {
    readonly known: number
    readonly majority: number
    readonly reachable: number
    readonly dead: number
    readonly basis: string | null
    readonly trouble: string | null
    readonly each: { names: string | null }[]
  }
  readonly failovers: readonly {
    readonly cause: string
    readonly from: string
    readonly to: string
    readonly heldMs: number
    readonly drained: number
  }[]
  /** Only with --replica-listen. */
  readonly replicas?: { readonly nodes: readonly { readonly address: string; readonly condition: string }[] }
}

export async function readStatus(admin: string): Promise<Status> {
  return JSON.parse((await ask(admin, '/status')).body)
}
