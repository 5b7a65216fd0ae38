// connector.ts: the socket of a client of this folder, made as ioredis makes it, but with an ear for every error.
//
// ioredis listens to the first error of a socket. A TLS socket may have two: where our check of the certificate fails
// and an alert of the server is in the same read (it answers so to whoever ends in the middle of the handshake, we or
// the network), Node emits the one and then the other. An error that nobody hears would end the process.
// Never: says what an error means (ioredis-client.ts passes on the first one, which is the cause).
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { AbstractConnector } from 'ioredis'
import type { ServerRoute } from '../transport/server-route.ts'

/** For the option `Connector`. A peer that leaves our FIN unanswered is dropped after `disconnectTimeoutMs`. */
export function connectorOf(
  { address: { host, port }, lookup, tls }: ServerRoute,
  { disconnectTimeoutMs }: { disconnectTimeoutMs: number },
): new () => AbstractConnector {
  const names = lookup && { lookup }
  return class extends AbstractConnector {
    constructor() {
      super(disconnectTimeoutMs)
    }

    override connect(): ReturnType<AbstractConnector['connect']> {
      this.connecting = true
      // In a tick of its own: whoever waits for the promise then hears of an address that fails at once.
      return new Promise((resolve, reject) => {
        process.nextTick(() => {
          if (!this.connecting) {
            reject(new Error('Connection is closed.'))
            return
          }
          try {
            this.stream =
              tls === null ? connect({ host, port, ...names }) : connectTls({ ...tls, host, port, ...names })
          } catch (error) {
            reject(error)
            return
          }
          this.stream.on('error', error => {
            this.firstError ??= error
          })
          resolve(this.stream)
        })
      })
    }
  }
}
