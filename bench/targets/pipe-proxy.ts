// pipe-proxy.ts: the least a Node proxy can do: every client gets its own connection, bytes go both ways by pipe().
//
// What it is for: what a byte pipe in this runtime costs, without any knowledge of Redis.
// Usage: node pipe-proxy.ts LISTEN_PORT SERVER_PORT

import { connect, createServer } from 'node:net'

const [listenPort, serverPort] = process.argv.slice(2).map(Number)
if (listenPort === undefined || serverPort === undefined)
  throw new Error('usage: pipe-proxy.ts LISTEN_PORT SERVER_PORT')

const server = createServer({ noDelay: true, allowHalfOpen: true }, client => {
  const upstream = connect({ port: serverPort, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
  client.on('error', () => upstream.destroy())
  upstream.on('error', () => client.destroy())
  client.pipe(upstream).pipe(client)
})
// A thousand clients arrive in one turn; Node's default backlog of 511 would make some of them wait for a SYN again.
server.listen({ port: listenPort, host: '127.0.0.1', backlog: 4_096 })
process.once('SIGTERM', () => process.exit(0))
