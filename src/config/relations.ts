// relations.ts: the rules between two options, in words for people.
import { resolve } from 'node:path'
import { isSamePlace, sameAddress } from '../address.ts'
import type { Values } from './option-table.ts'
import type { Relation } from './resolve.ts'

export const relations: readonly Relation<Values>[] = [
  {
    between: ['retry-backoff-min', 'retry-backoff-max'],
    rule: '--retry-backoff-min must not be more than --retry-backoff-max',
    holds: values => values['retry-backoff-min'] <= values['retry-backoff-max'],
  },
  {
    between: ['max-session-held-bytes', 'max-held-bytes'],
    rule: '--max-session-held-bytes must not be more than --max-held-bytes',
    holds: values => values['max-session-held-bytes'] <= values['max-held-bytes'],
  },
  {
    between: ['reads', 'ack'],
    rule: '--reads committed needs --ack replicated, as it waits for what replicas confirm',
    holds: values => values.reads === 'plain' || values.ack > 0,
  },
  {
    between: ['read-split', 'reads'],
    rule: '--read-split needs --reads plain, as a replica shows what not enough others may have',
    holds: values => !values['read-split'] || values.reads === 'plain',
  },
  {
    between: ['read-split', 'links'],
    rule: '--read-split needs --links auto, as only sessions that share links are split',
    holds: values => !values['read-split'] || values.links === 'auto',
  },
  {
    between: ['dry-run', 'retry-policy'],
    rule: '--dry-run needs another --retry-policy than once, as nothing waits until a marker is read',
    holds: values => !values['dry-run'] || values['retry-policy'] !== 'once',
  },
  {
    between: ['dry-run', 'ack'],
    rule: '--dry-run needs --ack master, as no reply may wait for replicas',
    holds: values => !values['dry-run'] || values.ack === 0,
  },
  needs('redis-username', 'redis-password', ' or --redis-password-file'),
  needs('sentinel-username', 'sentinel-password', ' or --sentinel-password-file'),
  {
    between: ['listen', 'sentinels'],
    rule: '--listen must not be the address of one of the --sentinels',
    holds: ({ sentinels, listen }) => listen === null || !sentinels.some(sentinel => sameAddress(sentinel, listen)),
  },
  {
    between: ['listen', 'listen-socket'],
    rule: '--listen or --listen-socket is needed, as clients must connect somewhere',
    holds: values => values.listen !== null || values['listen-socket'] !== null,
  },
  apart('admin-listen', 'listen'),
  {
    between: ['sentinel-listen', 'sentinels'],
    rule: '--sentinel-listen must not be the address of one of the --sentinels, as Holdfast would ask itself',
    holds: ({ sentinels, 'sentinel-listen': port }) =>
      port === null || !sentinels.some(sentinel => sameAddress(sentinel, port)),
  },
  apart('sentinel-listen', 'listen'),
  apart('sentinel-listen', 'admin-listen'),
  {
    between: ['sentinel-listen', 'listen'],
    rule: '--sentinel-listen needs --listen or --announce, as it has to name an address',
    holds: values => values['sentinel-listen'] === null || values.listen !== null || values.announce !== null,
  },
  {
    between: ['replica-listen', 'sentinels'],
    rule: '--replica-listen must not be the address of one of the --sentinels',
    holds: ({ sentinels, 'replica-listen': port }) =>
      port === null || !sentinels.some(sentinel => sameAddress(sentinel, port)),
  },
  apart('replica-listen', 'listen'),
  apart('replica-listen', 'admin-listen'),
  apart('replica-listen', 'sentinel-listen'),
  {
    between: ['listen-socket-owner', 'listen-socket'],
    rule: '--listen-socket-owner needs --listen-socket or --replica-listen-socket',
    holds: values =>
      values['listen-socket-owner'] === null ||
      values['listen-socket'] !== null ||
      values['replica-listen-socket'] !== null,
  },
  pathsApart('replica-listen-socket', 'listen-socket'),
  pathsApart('control-socket', 'listen-socket'),
  pathsApart('control-socket', 'replica-listen-socket'),
  needs('client-username', 'client-password', ' or --client-password-file'),
  ...tlsRelations('redis'),
  ...tlsRelations('sentinel'),
  ...together('listen-tls-cert', 'listen-tls-key'),
  needs('listen-tls-ca', 'listen-tls-cert'),
]

type Name = keyof Values & string

/** `how` ends the sentence: what else helps, or what the second must be. */
function needs(first: Name, second: Name, how = ''): Relation<Values> {
  return {
    between: [first, second],
    rule: `--${first} needs --${second}${how}`,
    holds: values => values[first] === null || (values[second] !== null && values[second] !== false),
  }
}

type Port = 'listen' | 'admin-listen' | 'sentinel-listen' | 'replica-listen'

/** Two ports of one program. */
function apart(one: Port, other: Port): Relation<Values> {
  return {
    between: [one, other],
    rule: `--${one} must not be the address of --${other}`,
    holds: values => {
      const [a, b] = [values[one], values[other]]
      return a === null || b === null || !isSamePlace(a, b)
    },
  }
}

type SocketPath = 'listen-socket' | 'replica-listen-socket' | 'control-socket'

function pathsApart(one: SocketPath, other: SocketPath): Relation<Values> {
  return {
    between: [one, other],
    rule: `--${one} must not be the path of --${other}`,
    holds: values => {
      const [a, b] = [values[one], values[other]]
      return a === null || b === null || resolve(a) !== resolve(b)
    },
  }
}

function together(first: Name, second: Name): Relation<Values>[] {
  return [needs(first, second), needs(second, first)]
}

function tlsRelations(side: 'redis' | 'sentinel'): Relation<Values>[] {
  const parts = ['ca', 'cert', 'key', 'server-name'] as const
  const switched = parts.map(part => needs(`${side}-tls-${part}`, `${side}-tls`, ' on'))
  return [...switched, ...together(`${side}-tls-cert`, `${side}-tls-key`)]
}
