// real-server.ts: one empty, real server for a test of the command table, and a client on it; both end with the test.
import type { Test } from 'tap'
import { RespClient } from '../../support/resp-client.ts'
import { endServer, type Flavour, makeFolder, removeFolder, startServer } from '../../support/servers.ts'

const config = ['save ""', 'appendonly no', 'enable-debug-command yes']

export async function startForTest(t: Test, flavour: Flavour): Promise<RespClient> {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const node = await startServer({ flavour, kind: 'data', name: flavour, dir, config })
  t.teardown(() => endServer(node))
  const client = await RespClient.connect(node.port, node.host)
  t.teardown(() => client.close())
  return client
}
