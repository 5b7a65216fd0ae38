// collect.ts: looks from here at our own port, at who is connected to the proxy that runs, at every Sentinel (the seeds,
// and those that they name) and every data node that they name: all at once, each within a few seconds. Judges nothing.
import { lookup } from 'node:dns/promises'
import { createServer, isIP } from 'node:net'
import { type Address, formatAddress, sameAddress } from '../address.ts'
import type { Config } from '../config.ts'
import { createNatMap } from '../transport/nat-map.ts'
import { accepts } from '../transport/port-probe.ts'
import { ServerRoutes } from '../transport/server-route.ts'
import { clientEvidence } from './client-evidence.ts'
import type { Evidence, ListenEvidence, NodeEvidence, ReplicaEvidence, SentinelEvidence } from './evidence.ts'
import { type Limits, limitsOf } from './limits.ts'
import { ackRights, markerRights, nodeEvidence, type ProofRight } from './node-evidence.ts'
import { isHoldfast } from './port-owner.ts'
import { replicationEvidence } from './replication-evidence.ts'
import { sentinelEvidence } from './sentinel-evidence.ts'
import { settingsOf } from './settings.ts'
import { socketEvidence } from './socket-evidence.ts'
import { undisturbed } from './undisturbed.ts'

/** Sentinels name one another; after more rounds than this somebody invents them. */
const MAX_ROUNDS = 4
/** Nobody waits longer for a replica that is behind. */
const MAX_LAG_MS = 10_000

/**
 * Of each master, seen while this process ran; a rule of --nat-map is unused where none needs it, and told with the
 * first.
 */
export async function collectAll(configs: readonly Config[]): Promise<(readonly [Config, Evidence])[]> {
  const all = await undisturbed(() => Promise.all(configs.map(collectEvidence)))
  const unusedNat = all.map(one => one.unusedNat).reduce((some, more) => some.filter(rule => more.includes(rule)))
  return configs.flatMap((config, i) => {
    const evidence = all[i]
    return evidence ? [[config, { ...evidence, unusedNat: i === 0 ? unusedNat : [] }] as const] : []
  })
}

async function collectEvidence(config: Config): Promise<Evidence> {
  const limits = limitsOf(config)
  const { adminListen, masterName } = config
  const certFile = config.listenTls?.certFile ?? null
  const at = (port: Address | null) => (port === null ? null : listenEvidence(port, certFile))
  const [listen, replicaListen, sockets, clients, sentinels] = await Promise.all([
    at(config.listen),
    at(config.replicaListen),
    socketEvidence(config),
    // Port 0 says nothing of the port in use.
    adminListen === null || adminListen.port === 0
      ? { clients: null, clientsUnseen: null }
      : clientEvidence(adminListen, masterName),
    allSentinels(config, limits),
  ])
  const [nodes, replication] = await Promise.all([
    allNodes(config, limits, sentinels),
    allReplicas(config, limits, sentinels),
  ])
  const announced = [
    ...sentinels.flatMap(sentinel => sentinel.announced ?? []),
    ...sentinels.map(sentinel => sentinel.address),
    // Of a seed that is given by the address to dial, the others alone say how it is announced.
    ...sentinels.flatMap(({ peers }) => peers.map(({ address }) => address)),
    ...nodes.map(node => node.announced),
  ]
  const unusedNat = config.natMap.map(rule => rule.from).filter(from => !announced.some(one => sameAddress(one, from)))
  return {
    sentinels,
    nodes,
    replication,
    ...clients,
    listen,
    replicaListen,
    sockets,
    unusedNat,
    oneForMany: oneForMany(config, sentinels),
    hostAddresses: await resolved(announced.map(({ host }) => host)),
  }
}

/** Different Sentinels, by their run ids, that --nat-map leads to one place. */
function oneForMany(config: Config, sentinels: readonly SentinelEvidence[]): Evidence['oneForMany'] {
  const routes = routesOf(config, 'sentinel')
  const peers = new Map(sentinels.flatMap(({ peers }) => peers.map(({ runId, address }) => [runId, address] as const)))
  const isMapped = (address: Address): boolean => config.natMap.some(({ from }) => sameAddress(from, address))
  const byPlace = Map.groupBy([...peers.values()].filter(isMapped), address => formatAddress(routes.target(address)))
  return [...byPlace.values()].flatMap(announced => {
    const [first] = announced
    return first && announced.length > 1 ? [{ place: routes.target(first), announced }] : []
  })
}

/** Sentinels may be announced by address and nodes by name. */
async function resolved(hosts: readonly string[]): Promise<Map<string, string>> {
  const names = [...new Set(hosts)].filter(host => isIP(host) === 0)
  const found = await Promise.all(
    names.map(async name => {
      const address = await lookup(name)
        .then(({ address }) => address)
        .catch(() => null)
      return address === null ? [] : ([[name, address]] as const)
    }),
  )
  return new Map(found.flat())
}

/** Rights that the options need for markers and acknowledgements. */
function proofRightsOf(config: Config): ProofRight[] {
  const { policy, ackReplicas } = settingsOf(config)
  if (ackReplicas !== null) return [...markerRights, ...ackRights]
  return policy === 'once' ? [...markerRights] : []
}

export function routesOf(config: Config, side: 'redis' | 'sentinel'): ServerRoutes {
  return new ServerRoutes(side, { tls: config[`${side}Tls`], nat: createNatMap(config.natMap) })
}

/** The seeds first, then round by round those that they name: each process once, whatever its addresses. */
async function allSentinels(config: Config, limits: Limits): Promise<SentinelEvidence[]> {
  const { masterName, sentinelUsername: username, sentinelPassword: password } = config
  const routes = routesOf(config, 'sentinel')
  const askOne = (at: Address, announced: Address | null): Promise<SentinelEvidence> => {
    const target = { route: routes.route(at), username, password, helloSignsIn: true, limits }
    return sentinelEvidence({ target, announced, masterName })
  }
  const found = distinct(await Promise.all(config.sentinels.map(seed => askOne(seed, null))))
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const unknown = new Map<string, Address>()
    for (const peer of found.flatMap(sentinel => sentinel.peers)) {
      const address = routes.target(peer.address)
      const known = found.some(one => one.runId === peer.runId || sameAddress(one.address, address))
      if (!known) unknown.set(formatAddress(address), peer.address)
    }
    if (unknown.size === 0) break
    const more = await Promise.all([...unknown.values()].map(peer => askOne(peer, peer)))
    found.push(...more)
  }
  return distinct(found)
}

function distinct(sentinels: readonly SentinelEvidence[]): SentinelEvidence[] {
  const keyOf = ({ runId, address }: SentinelEvidence): string => runId ?? formatAddress(address)
  const keys = sentinels.map(keyOf)
  return sentinels.filter((sentinel, i) => keys.indexOf(keyOf(sentinel)) === i)
}

async function allNodes(
  config: Config,
  limits: Limits,
  sentinels: readonly SentinelEvidence[],
): Promise<NodeEvidence[]> {
  const { redisUsername: username, redisPassword: password } = config
  const listed = new Map<string, [Address, NodeEvidence['listed']]>()
  for (const { view } of sentinels) if (view) listed.set(formatAddress(view.master), [view.master, 'master'])
  for (const { address } of sentinels.flatMap(sentinel => sentinel.replicas)) {
    if (!listed.has(formatAddress(address))) listed.set(formatAddress(address), [address, 'replica'])
  }
  const routes = routesOf(config, 'redis')
  const proof = proofRightsOf(config)
  const questions = [...listed.values()].map(([announced, role]) => {
    const target = { route: routes.route(announced), username, password, limits }
    return nodeEvidence({ target, announced, listed: role, proof })
  })
  return Promise.all(questions)
}

/** Only for --replica-listen: where replicas are behind, it takes half of --replica-max-lag. */
async function allReplicas(
  config: Config,
  limits: Limits,
  sentinels: readonly SentinelEvidence[],
): Promise<readonly ReplicaEvidence[] | null> {
  const { hasReplicaPort, readSplit } = settingsOf(config)
  const { redisUsername: username, redisPassword: password, replicaMaxLagMs } = config
  const masters = new Map(sentinels.flatMap(({ view }) => (view ? [[formatAddress(view.master), view.master]] : [])))
  const [master] = masters.values()
  // Where Sentinels name several, that is the trouble.
  if ((!hasReplicaPort && !readSplit) || master === undefined || masters.size > 1) return null
  const routes = routesOf(config, 'redis')
  const asked = (announced: Address) => ({
    announced,
    target: { route: routes.route(announced), username, password, limits },
  })
  const listed = new Map(
    sentinels.flatMap(({ replicas }) => replicas.map(({ address }) => [formatAddress(address), address] as const)),
  )
  listed.delete(formatAddress(master))
  const limitMs = Math.min(replicaMaxLagMs / 2, MAX_LAG_MS)
  return replicationEvidence({ master: asked(master), replicas: [...listed.values()].map(asked), limitMs })
}

/** Whether the port is free; where it is not, whether a Holdfast has it. */
function listenEvidence(address: Address, certFile: string | null): Promise<ListenEvidence> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', error => {
      const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
      if (code !== 'EADDRINUSE') resolve({ kind: 'impossible', code })
      else void whoHas(address, certFile).then(kind => resolve({ kind }))
    })
    server.listen({ host: address.host, port: address.port, exclusive: true }, () => {
      server.close(() => resolve({ kind: 'free' }))
    })
  })
}

async function whoHas(address: Address, certFile: string | null): Promise<'holdfast' | 'taken' | 'lent'> {
  if (await isHoldfast(address, certFile)) return 'holdfast'
  return (await accepts(address)) ? 'taken' : 'lent'
}
