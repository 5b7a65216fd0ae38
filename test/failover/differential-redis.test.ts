// A server and Holdfast in front of its twin get the same random commands, and must answer the same bytes:
// redis-server.
import t from 'tap'
import { differ, seedOf } from '../support/differential/twins.ts'
import { isOlder } from '../support/needs.ts'
import { findServer } from '../support/servers.ts'

const skip =
  findServer('redis') === undefined
    ? 'redis-server is not installed'
    : isOlder('redis', 7.2) && 'a set has its order by chance before Redis 7.2, so two servers differ'

t.test('a session — is answered the same bytes as by the server itself — whatever it sends to redis', { skip }, t =>
  differ(t, { flavour: 'redis', seed: seedOf(1), commands: 60_000 }),
)
