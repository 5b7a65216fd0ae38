// socket-connector.ts: makes the socket of an ioredis client as ioredis does, but listens to every error of it.
//
// ioredis listens to the first error of a socket. A TLS socket may emit two: our check of the certificate fails, and
// the same read holds the alert by which the server answers a handshake that ends half way. An error without a listener
// would end the process. The first error is the cause, and ioredis-client.ts passes it on.
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { AbstractConnector } from 'ioredis'
import type { ServerRoute } from '../transport/server-route.ts'

/** For the option `Connector`. `disconnectTimeoutMs`: a peer that leaves our FIN unanswered is dropped after it. */
export function connectorOf(
  { address: { host, port }, lookup, follow, tls }: ServerRoute,
  { disconnectTimeoutMs }: { disconnectTimeoutMs: number },
): new () => AbstractConnector {
  const names = lookup && { lookup }
  return class extends AbstractConnector {
    constructor() {
      super(disconnectTimeoutMs)
    }

    override connect(): ReturnType<AbstractConnector['connect']> {
      this.connecting = true
      // In a tick of its own, so that whoever awaits the promise hears of an address that fails at once.
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
          follow?.(this.stream)
          this.stream.on('error', error => {
            this.firstError ??= error
          })
          resolve(this.stream)
        })
      })
    }
  }
}
