// judge-tls.ts: judges a connection that fails although the server answered the first word: trouble with TLS. Pure.
import { type ServerSide, tlsHint, tlsRemedy } from '../transport/tls-trouble.ts'
import type { ErrorReply } from './evidence.ts'
import { type Finding, problem } from './finding.ts'

export interface LostSide {
  readonly side: ServerSide
  readonly subject: string
  readonly usesTls: boolean
}

/** The finding; null where the server itself refused us, or TLS has nothing to do with it. */
export function judgeLost(refused: ErrorReply, { side, subject, usesTls }: LostSide): Finding | null {
  if (refused.code !== 'LOST' || !usesTls) return null
  const remedy = tlsRemedy(refused.text, side) ?? tlsHint(refused.text, { side, usesTls })
  if (remedy === null) return null
  const id = side === 'redis' ? 'node.tls' : 'sentinel.tls'
  return problem(id, subject, `no TLS connection comes about: ${inWords(refused.text)}`, remedy)
}

/** `tls alert handshake failure` of `C0:error:0A000410:SSL routines:ssl3_read_bytes:tls alert handshake failure:...` */
function inWords(text: string): string {
  return (/SSL routines:[^:]*:([^:]+)/.exec(text)?.[1] ?? text).replace(/\s+/g, ' ').trim()
}
