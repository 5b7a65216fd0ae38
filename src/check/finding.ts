// finding.ts: one line of the result of a check, and those about a server that does not answer as it should. Pure.
import { type Address, formatAddress } from '../address.ts'
import type { ErrorReply } from './evidence.ts'
import type { Contact } from './first-question.ts'
import { MOST_MS } from './limits.ts'

/** `problem`: it does not work, or will not in a failover. `warning`: it works, with a risk that has a name. */
export type Level = 'ok' | 'note' | 'warning' | 'problem'

export interface Finding {
  readonly level: Level
  /** Stable, for machines and for docs/troubleshooting.md: 'sentinel.unreachable'. */
  readonly id: string
  /** What it is about: 'Sentinel 10.0.0.1:26379', 'Sentinels', 'master 10.0.0.1:6379'. */
  readonly subject: string
  readonly text: string
  /** What a person can do about it; null for `ok` and `note`. */
  readonly remedy: string | null
}

export function ok(subject: string, text: string): Finding {
  return { level: 'ok', id: 'ok', subject, text, remedy: null }
}

type Words = readonly [id: string, subject: string, text: string, remedy: string]

export function problem(...[id, subject, text, remedy]: Words): Finding {
  return { level: 'problem', id, subject, text, remedy }
}

export function warning(...[id, subject, text, remedy]: Words): Finding {
  return { level: 'warning', id, subject, text, remedy }
}

/** A server, and what differs between the two kinds of them where nobody answers. */
export interface Side {
  /** 'sentinel' or 'node': the first part of the id. */
  readonly kind: 'sentinel' | 'node'
  readonly subject: string
  /** 'redis-tls' or 'sentinel-tls'. */
  readonly tlsOption: string
  readonly address: Address
  /** As the Sentinels announce it; null where only our own options name it. */
  readonly announced: Address | null
  readonly isMapped: boolean
}

/** What is wrong where the first contact brought no answer; null where it did. */
export function judgeContact(met: Contact, side: Side): Finding | null {
  const { kind, subject, tlsOption, address, announced } = side
  const wrong = (text: string, remedy: string, what: string = met.kind): Finding =>
    problem(`${kind}.${what}`, subject, text, remedy)
  switch (met.kind) {
    case 'answers':
      return null
    case 'unresolved':
      return wrong(
        `the name ${address.host} cannot be resolved here (${met.why})`,
        announced
          ? 'the Sentinels announce this name: make it known to the DNS of this host, or translate it with --nat-map'
          : 'correct --sentinels, or the DNS of this host',
      )
    case 'unreachable':
      return wrong(
        `cannot be reached from here (${met.why})`,
        `${reachRemedy(side)}${orRaise('--connect-timeout', met.lateMs)}`,
      )
    case 'silent':
      return wrong(
        `accepts the connection and says nothing for ${met.lateMs} ms (--answer-timeout)`,
        'somebody pauses its clients (CLIENT UNPAUSE ends that), it hangs or is stopped, or it is no Redis: look at the ' +
          `process and its host${orRaise('--answer-timeout', met.lateMs)}`,
      )
    case 'speaks-tls':
      return wrong('speaks TLS, our options do not', `set --${tlsOption} on (and --${tlsOption}-ca)`)
    case 'speaks-no-tls':
      return wrong(`speaks no TLS, and --${tlsOption} is on`, `take --${tlsOption} away, or give the server's tls-port`)
    case 'turned-away':
      if (!met.line.startsWith('DENIED'))
        return wrong(`takes no more clients (${met.line})`, 'raise its maxclients, or find out who holds them', 'full')
      return wrong(
        'is in protected mode and turns away everything that is not on its own host',
        'give it a password (requirepass) or a bind address, or set protected-mode no',
        'protected',
      )
    case 'not-redis':
      return wrong('answers, but not as Redis does', 'something else listens there: correct the address')
  }
}

/** What is said of a server that answers the first word and not our questions, and what helps. */
export function lostWords({ text }: ErrorReply): readonly [text: string, remedy: string] {
  return [`does not answer our questions: ${text}`, 'look at its log, and at the way there']
}

/** Nothing where that would not make a check wait for longer. */
function orRaise(option: string, lateMs: number | undefined): string {
  if (lateMs === undefined || lateMs >= MOST_MS) return ''
  return `; where the way there is slow, raise ${option} above ${lateMs}ms`
}

function reachRemedy({ announced, isMapped, kind }: Side): string {
  if (isMapped) return 'this is where --nat-map sends us: correct the rule, or open the way there'
  if (announced === null) return 'start it, correct --sentinels, or open the way there (firewall, network policy)'
  const own =
    kind === 'sentinel' ? 'sentinel announce-ip and announce-port' : 'replica-announce-ip and replica-announce-port'
  return (
    'start it; or, where the Sentinels announce an address that holds only in their network (NAT, containers): ' +
    `--nat-map ${formatAddress(announced)}=HOST:PORT, or ${own} there`
  )
}
