// The example configuration files of deploy/config are what they say.
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { readConfig } from '../../src/config.ts'

t.test('several-masters.yaml — is a configuration — with three masters', async t => {
  const example = fileURLToPath(new URL('../../deploy/config/several-masters.yaml', import.meta.url))
  const read = readConfig(['--config', example], {})
  if (read.kind !== 'config') throw new Error(`no configuration: ${JSON.stringify(read)}`)
  t.strictSame(
    read.masters.map(one => [one.masterName, one.listen?.port, one.required, one.holdTimeoutMs, one.retryPolicy]),
    [
      ['cache', 6379, false, 5000, 'always'],
      ['queue', 6380, true, 30_000, 'once'],
      ['session', 6381, true, 30_000, 'always'],
    ],
  )
})
