// cutting-link.ts: a network that fails in the middle of every TLS handshake: the server gets the ClientHello and then
// an end, the client gets all that the server said to both, in one piece.
//
// Owns: its listener and both sockets of each connection. Never: looks into the bytes behind the first record's length.
import { connect, createServer, type Socket } from 'node:net'
import type { Teardown } from './fake-redis.ts'

export interface CuttingLink {
  readonly host: string
  readonly port: number
  /** Connections whose answer, flight and alert, has been handed to the client. */
  cuts(): number
}

export async function startCuttingLink(t: Teardown, target: { host: string; port: number }): Promise<CuttingLink> {
  const host = '127.0.0.1'
  const sockets = new Set<Socket>()
  let cuts = 0
  const keep = (socket: Socket): Socket => {
    sockets.add(socket)
    // A client may drop its side at any moment; what is left of the connection goes with the test.
    return socket.on('error', () => undefined).once('close', () => sockets.delete(socket))
  }
  const server = createServer({ allowHalfOpen: true, noDelay: true }, client => {
    const upstream = keep(connect({ host: target.host, port: target.port, allowHalfOpen: true }))
    const said: Buffer[] = []
    let hello: Buffer = Buffer.alloc(0)
    keep(client).on('data', chunk => {
      hello = Buffer.concat([hello, chunk])
      if (hello.length < 5 || hello.length < 5 + hello.readUInt16BE(3)) return
      client.removeAllListeners('data').resume()
      upstream.end(hello)
    })
    upstream.on('data', chunk => said.push(chunk))
    upstream.once('end', () => {
      client.end(Buffer.concat(said), () => {
        cuts++
      })
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port: 0 }, resolve)
  })
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise<void>(resolve => server.close(() => resolve()))
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the link has no port')
  return { host, port: address.port, cuts: () => cuts }
}
