// A server and Holdfast in front of its twin get the same random commands, and must answer the same bytes:
// valkey-server.
import t from 'tap'
import { differ, seedOf } from '../support/differential/twins.ts'
import { findServer } from '../support/servers.ts'

const skip = findServer('valkey') === undefined ? 'valkey-server is not installed' : false

t.test('a session — is answered the same bytes as by the server itself — whatever it sends to valkey', { skip }, t =>
  differ(t, { flavour: 'valkey', seed: seedOf(1), commands: 60_000 }),
)
