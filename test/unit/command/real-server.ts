// real-server.ts — one empty, real server for a test of the command table, and a client on it; both end with the test.
import type { Test } from 'tap'
import { RespClient } from '../../support/resp-client.ts'
import {
  endServer,
  type Flavour,
  freePort,
  makeFolder,
  PortTaken,
  removeFolder,
  startServer,
} from '../../support/servers.ts'

const config = ['save ""', 'appendonly no', 'enable-debug-command yes']

export async function startForTest(t: Test, flavour: Flavour): Promise<RespClient> {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const node = await startOnFreePort(flavour, dir)
  t.teardown(() => endServer(node))
  const client = await RespClient.connect(node.port, node.host)
  t.teardown(() => client.close())
  return client
}

async function startOnFreePort(flavour: Flavour, dir: string, attempts = 3): ReturnType<typeof startServer> {
  try {
    return await startServer({ flavour, kind: 'data', name: flavour, dir, port: await freePort(), config })
  } catch (error) {
    if (error instanceof PortTaken && attempts > 1) return startOnFreePort(flavour, dir, attempts - 1)
    throw error
  }
}
