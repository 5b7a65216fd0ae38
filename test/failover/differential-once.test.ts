// The same under --retry-policy once: blocks around writes change no byte of what clients get, but for the keys that a
// marker adds (exceptions.ts).
import t from 'tap'
import { differ, seedOf } from '../support/differential/twins.ts'
import { isOlder } from '../support/needs.ts'
import { findServer } from '../support/servers.ts'

for (const flavour of ['redis', 'valkey'] as const) {
  const missing = findServer(flavour) === undefined ? `${flavour}-server is not installed` : false
  const old = flavour === 'redis' && isOlder('redis', 7.2) && 'a set has its order by chance before Redis 7.2'
  t.test(
    `a session — is answered the same bytes under once — whatever it sends to ${flavour}`,
    { skip: missing || old },
    t => differ(t, { flavour, seed: seedOf(3), commands: 30_000, policy: 'once' }),
  )
}
