// set-health.ts: what is still wrong with a node of a SentinelSet, in words; '' when nothing is.
// Asks and judges; waits for nothing and changes nothing.
import { ask, RespClient, RespError, type Value } from './resp-client.ts'
import type { Node } from './servers.ts'
import { deadline } from './wait-until.ts'

/** A reply of field/value pairs (a RESP2 array or a RESP3 map) as a map of strings. */
export function fieldsOf(value: Value): Map<string, string> {
  const fields = new Map<string, string>()
  if (value instanceof Map) for (const [key, item] of value) fields.set(String(key), String(item))
  if (Array.isArray(value)) {
    for (let i = 0; i + 1 < value.length; i += 2) fields.set(String(value[i]), String(value[i + 1]))
  }
  return fields
}

/** The lines `name:value` of an INFO reply. */
export function infoOf(value: Value): Map<string, string> {
  const lines = String(value).split('\r\n')
  return new Map(lines.filter(line => line.includes(':')).map(line => splitOnce(line)))
}

function splitOnce(line: string): [string, string] {
  const at = line.indexOf(':')
  return [line.slice(0, at), line.slice(at + 1)]
}

/** Is a data node what `master` being the master makes it? */
export async function nodeHealth(node: Node, master: Node): Promise<string> {
  const reply = await question(node, ['INFO', 'replication'])
  if (typeof reply === 'string' && reply.startsWith('!')) return reply
  const info = infoOf(reply)
  const role = info.get('role')
  if (node === master) return role === 'master' ? '' : `${node.name} should be master and is ${role}`
  if (role !== 'slave') return `${node.name} should be a replica and is ${role}`
  const follows = Number(info.get('master_port'))
  if (follows !== master.port) return `${node.name} follows port ${follows}, not ${master.name}`
  return info.get('master_link_status') === 'up' ? '' : `${node.name}: its link to ${master.name} is down`
}

export interface Expected {
  readonly masterName: string
  readonly master: Node
  /** The living replicas. */
  readonly replicas: readonly Node[]
  readonly otherSentinels: number
  /** Everything of the set lives: then the quorum must be there too. */
  readonly complete: boolean
}

/** Does a Sentinel see the set as it should be? */
export async function sentinelHealth(sentinel: Node, expected: Expected): Promise<string> {
  const { masterName, master, replicas } = expected
  const seen = fieldsOf(await question(sentinel, ['SENTINEL', 'MASTER', masterName]))
  const say = (what: string) => `${sentinel.name}: ${what}`
  if (Number(seen.get('port')) !== master.port) return say(`the master is at port ${seen.get('port')}`)
  if (seen.get('flags') !== 'master') return say(`the master's flags are ${seen.get('flags')}`)
  if (Number(seen.get('num-other-sentinels')) !== expected.otherSentinels) {
    return say(`${seen.get('num-other-sentinels')} other Sentinels`)
  }
  const listed = await question(sentinel, ['SENTINEL', 'REPLICAS', masterName])
  const rows = Array.isArray(listed) ? listed.map(fieldsOf) : []
  for (const replica of replicas) {
    const row = rows.find(fields => Number(fields.get('port')) === replica.port)
    if (!row) return say(`${replica.name} is not known`)
    if (row.get('flags') !== 'slave') return say(`${replica.name}'s flags are ${row.get('flags')}`)
    if (row.get('master-link-status') !== 'ok') return say(`${replica.name}'s link is ${row.get('master-link-status')}`)
  }
  if (!expected.complete) return ''
  const quorum = await question(sentinel, ['SENTINEL', 'CKQUORUM', masterName])
  return String(quorum).startsWith('OK') ? '' : say(String(quorum))
}

/**
 * Does what the master writes reach its replicas? "link up" and "state=online" are not enough: on valkey 8.1.1, right
 * after the start, both were measured some 0.9 s before a write reached a replica, and a master killed in that time
 * takes acknowledged writes with it. PUBLISH goes down the replication stream and leaves nothing in the data; WAIT
 * counts who has it, for the connection that wrote.
 */
export async function streamHealth(master: Node, replicas: number): Promise<string> {
  if (replicas < 1) return ''
  const client = await RespClient.connect(master.port, master.host, { tls: master.tls })
  // The server bounds WAIT itself; this is for one that is silent.
  const end = deadline(3000, () => client.socket.destroy())
  try {
    if (master.password !== undefined) await client.send('AUTH', master.password)
    const [, count] = await client.pipeline([
      ['PUBLISH', 'holdfast:replicated', ''],
      ['WAIT', replicas, 1000],
    ])
    if (count instanceof RespError) return `${master.name}: ${count.message}`
    return Number(count) >= replicas ? '' : `${count} of ${replicas} replicas receive what ${master.name} writes`
  } finally {
    end()
    await client.close()
  }
}

/**
 * Why the Sentinels do nothing at present; null when they do. A Sentinel whose timer came more than 2 s late (this
 * machine stood still) is in TILT: it watches and does not act for 30 s (sentinel.c, sentinelCheckTiltCondition).
 */
export async function tiltOf(sentinels: readonly Node[]): Promise<string | null> {
  for (const sentinel of sentinels) {
    const info = infoOf(await question(sentinel, ['INFO', 'sentinel']))
    if (info.get('sentinel_tilt') !== '1') continue
    return `${sentinel.name} is in TILT and does nothing for 30 s, because this machine stood still`
  }
  return null
}

/** The reply, or a text that begins with '!'. */
async function question(node: Node, args: string[]): Promise<Value> {
  try {
    const reply = await ask(node, args, { timeoutMs: 1000, password: node.password })
    return reply instanceof RespError ? `!${node.name}: ${reply.message}` : reply
  } catch (error) {
    return `!${node.name}: ${error instanceof Error ? error.message : String(error)}`
  }
}
