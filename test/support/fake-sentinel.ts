// fake-sentinel.ts: a Sentinel that says what the test wants: stale, lying, silent or half of a disagreement.
//
// Owns: its answers, which the test sets at any time, and who is subscribed. Never: decides anything, pings anyone.
// Event names and reply shapes are those of sentinel.c (slave and master on the wire, maps under RESP3).
import { type Context, FakeRedis, type Teardown } from './fake-redis.ts'
import { array, bulk, bulks, failure, integer, map, nilArray, push, simple } from './resp-encoder.ts'
import { sentinelId } from './sentinel-config.ts'

export interface Place {
  host: string
  port: number
}

export interface FakeSentinelOptions {
  readonly masterName?: string
  readonly master?: Place
  readonly configEpoch?: number
  readonly password?: string
}

interface Subscriber {
  readonly context: Context
  readonly channels: Set<string>
  readonly patterns: Set<string>
}

export class FakeSentinel {
  readonly server: FakeRedis
  readonly masterName: string
  readonly runId = sentinelId()
  /** null: this Sentinel does not know the master's name. */
  master: Place | null
  configEpoch: number
  /** What SENTINEL MASTER lists: the leader of a failover lists the old master for a second more; null: `master`. */
  listed: Place | null = null
  /** As SENTINEL MASTER shows them: 'master', 'master,s_down', 'master,failover_in_progress', ... */
  flags = 'master'
  quorum = 2
  /** The other Sentinels it tells of. */
  known: (Place & { readonly runId: string })[] = []
  replicas: Place[] = []
  readonly #subscribers = new Map<number, Subscriber>()

  private constructor(server: FakeRedis, options: FakeSentinelOptions) {
    this.server = server
    this.masterName = options.masterName ?? 'mymaster'
    this.master = options.master ?? { host: '127.0.0.1', port: 6379 }
    this.configEpoch = options.configEpoch ?? 1
    server.handler = (argv, context) => this.#answer(argv, context)
  }

  static async start(t: Teardown | null, options: FakeSentinelOptions = {}): Promise<FakeSentinel> {
    const password = options.password === undefined ? {} : { password: options.password }
    return new FakeSentinel(await FakeRedis.start(t, undefined, password), options)
  }

  get host(): string {
    return this.server.host
  }

  get port(): number {
    return this.server.port
  }

  /** Connections that are subscribed to anything. */
  subscriberCount(): number {
    const live = this.server.live()
    return [...this.#subscribers].filter(([id, s]) => live.includes(id) && s.channels.size + s.patterns.size > 0).length
  }

  /** Sends an event to whoever is subscribed to it; answers how many messages went out. */
  publish(channel: string, message: string): number {
    let sent = 0
    const live = this.server.live()
    for (const [id, { context, channels, patterns }] of this.#subscribers) {
      if (!live.includes(id)) continue
      const { protocol } = context.state
      const messages = [
        ...(channels.has(channel) ? [['message', channel, message]] : []),
        ...[...patterns].filter(p => globMatches(p, channel)).map(p => ['pmessage', p, channel, message]),
      ]
      for (const items of messages) context.send(push(protocol, items.map(bulk)))
      sent += messages.length
    }
    return sent
  }

  /** What a real one does at the end of a failover: new address and epoch in the answers, then the event. */
  switchMaster(to: Place, epoch: number): void {
    const from = this.master ?? to
    this.master = to
    this.configEpoch = epoch
    this.publish('+switch-master', `${this.masterName} ${from.host} ${from.port} ${to.host} ${to.port}`)
  }

  async close(): Promise<void> {
    await this.server.close()
  }

  #answer(argv: string[], context: Context): string | undefined {
    const [name = '', ...rest] = argv
    const { state } = context
    if (!state.authenticated) return undefined
    switch (name.toUpperCase()) {
      case 'SENTINEL':
        return this.#sentinel(rest, context)
      case 'ROLE':
        return array([bulk('sentinel'), bulks(this.master ? [this.masterName] : [])])
      case 'INFO':
        return bulk(`# Server\r\nredis_mode:sentinel\r\n# Sentinel\r\nsentinel_masters:1\r\nsentinel_tilt:0\r\n`)
      case 'PING':
        return this.#ping(context)
      case 'SUBSCRIBE':
      case 'PSUBSCRIBE':
      case 'UNSUBSCRIBE':
      case 'PUNSUBSCRIBE':
        return this.#subscription(name.toLowerCase(), rest, context)
      case 'SELECT':
        return failure("ERR unknown command 'SELECT', with args beginning with: ")
      default:
        return undefined
    }
  }

  #ping(context: Context): string | undefined {
    const subscriber = this.#subscribers.get(context.connection)
    const subscribed = subscriber !== undefined && subscriber.channels.size + subscriber.patterns.size > 0
    return subscribed && context.state.protocol === 2 ? bulks(['pong', '']) : undefined
  }

  #sentinel(argv: readonly string[], { state: { protocol } }: Context): string {
    const [verb = '', name = ''] = argv
    const master = name === this.masterName ? this.master : null
    switch (verb.toUpperCase()) {
      case 'MYID':
        return bulk(this.runId)
      case 'GET-MASTER-ADDR-BY-NAME':
        return master ? bulks([master.host, master.port]) : nilArray(protocol)
      case 'MASTERS':
        return array(this.master ? [map(protocol, this.#masterFields(this.master))] : [])
      case 'MASTER':
        return master ? map(protocol, this.#masterFields(master)) : failure('ERR No such master with that name')
      case 'SENTINELS': {
        if (!master) return failure('ERR No such master with that name')
        return array(this.known.map(other => map(protocol, instance(other.runId, other, other.runId, 'sentinel'))))
      }
      case 'REPLICAS':
      case 'SLAVES': {
        if (!master) return failure('ERR No such master with that name')
        const rows = this.replicas.map(place => instance(`${place.host}:${place.port}`, place, '', 'slave'))
        return array(rows.map(row => map(protocol, row)))
      }
      case 'CKQUORUM':
        return master ? simple('OK usable Sentinels') : failure('ERR No such master with that name')
      default:
        return failure(`ERR unknown subcommand '${verb}'. Try SENTINEL HELP.`)
    }
  }

  #masterFields(master: Place): [string, string][] {
    return [
      ...instance(this.masterName, this.listed ?? master, '', this.flags),
      ['config-epoch', bulk(this.configEpoch)],
      ['num-slaves', bulk(this.replicas.length)],
      ['num-other-sentinels', bulk(this.known.length)],
      ['quorum', bulk(this.quorum)],
    ]
  }

  #subscription(kind: string, names: readonly string[], context: Context): string {
    const subscriber = this.#subscribers.get(context.connection) ?? {
      context,
      channels: new Set<string>(),
      patterns: new Set<string>(),
    }
    this.#subscribers.set(context.connection, subscriber)
    const set = kind.startsWith('p') ? subscriber.patterns : subscriber.channels
    const leaving = kind.includes('unsub')
    const targets = leaving && names.length === 0 ? [...set] : names
    return targets
      .map(target => {
        if (leaving) set.delete(target)
        else set.add(target)
        const count = subscriber.channels.size + subscriber.patterns.size
        return push(context.state.protocol, [bulk(kind), bulk(target), integer(count)])
      })
      .join('')
  }
}

function instance(name: string, place: Place, runId: string, flags: string): [string, string][] {
  return [
    ['name', bulk(name)],
    ['ip', bulk(place.host)],
    ['port', bulk(place.port)],
    ['runid', bulk(runId)],
    ['flags', bulk(flags)],
  ]
}

/** Redis globs as far as subscriptions to Sentinel use them: `*`, `?` and plain text. */
export function globMatches(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`, 's').test(text)
}
