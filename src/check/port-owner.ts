// port-owner.ts: finds out whether what listens at our own port is a Holdfast with these options. Sends no password.
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type Address, reachable } from '../address.ts'
import { findOut } from '../transport/port-probe.ts'

const ANSWER_LIMIT_MS = 1000

/**
 * `certFile` is that of --listen-tls-cert; null: the port is without TLS. With TLS the certificate that the port shows
 * has to be ours, because it may ask for one of a client, and we have none. Never rejects.
 */
export function isHoldfast(address: Address, certFile: string | null): Promise<boolean> {
  const at = reachable(address)
  return certFile === null ? speaksAsHoldfast(at) : showsCertificate(at, certFile)
}

/**
 * REPLCONF without arguments does nothing in a server, and Holdfast denies it in its own words. Behind a password both
 * ask for a login first; but a server checks before that whether a command exists, and Holdfast does not.
 */
function speaksAsHoldfast(at: Address): Promise<boolean> {
  const socket = connect(at)
  let heard = ''
  return findOut(socket, ANSWER_LIMIT_MS, settle => {
    socket.once('connect', () => socket.write('*1\r\n$8\r\nREPLCONF\r\n*1\r\n$11\r\nNO.COMMAND.\r\n'))
    socket.on('data', (bytes: Buffer) => {
      heard += bytes.toString('latin1')
      const lines = heard.split('\r\n').slice(0, -1)
      if (lines[0]?.includes('holdfast')) settle(true)
      else if (lines.length >= 2) settle(lines.every(line => line.startsWith('-NOAUTH')))
    })
  })
}

function showsCertificate(at: Address, certFile: string): Promise<boolean> {
  const socket = connectTls({ ...at, rejectUnauthorized: false })
  return findOut(socket, ANSWER_LIMIT_MS, settle => {
    socket.once('secureConnect', () => {
      const ours = new X509Certificate(readFileSync(certFile))
      settle(socket.getPeerX509Certificate()?.fingerprint256 === ours.fingerprint256)
    })
  })
}
