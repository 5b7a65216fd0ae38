// docker/compose.yaml, as far as it can be judged without running a container.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { checkCompose, composeFile, readServices, withoutCompose } from './compose-file.ts'

const skip = withoutCompose()

t.test('the compose file — is accepted by docker-compose — as it stands', { skip }, async t => {
  t.equal(checkCompose(composeFile).faults, '')
})

t.test('docker-compose — refuses the file — when one of its keys is misspelt', { skip }, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-compose-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const planted = join(folder, 'compose.yaml')
  writeFileSync(planted, readFileSync(composeFile, 'utf8').replace('read_only: true', 'readonly: true'))
  t.match(checkCompose(planted).faults, /readonly is not allowed/)
})

t.test(
  'the compose file — has one master, two replicas, three Sentinels, Holdfast and a client — by name',
  { skip },
  async t => {
    t.strictSame([...readServices().keys()].sort(), [
      'client',
      'holdfast',
      'redis-master',
      'redis-replica-1',
      'redis-replica-2',
      'sentinel-1',
      'sentinel-2',
      'sentinel-3',
    ])
  },
)

t.test('the compose file — uses the official image of Redis — and the image that it builds', { skip }, async t => {
  const images = [...readServices().values()].map(({ image }) => image)
  t.strictSame([...new Set(images)].sort(), ['holdfast', 'redis:8'])
})

t.test('Holdfast and its client — have no rights — as a container needs none', { skip }, async t => {
  for (const name of ['holdfast', 'client']) {
    const { read_only: readOnly, cap_drop: dropped } = { ...readServices().get(name)?.rest }
    t.equal(readOnly, true, `${name}: no file can be written`)
    t.strictSame(dropped, ['ALL'], `${name}: no capabilities`)
  }
})

t.test('Holdfast — is published on the loopback alone — as it asks nobody for a password', { skip }, async t => {
  const { ports } = { ...readServices().get('holdfast')?.rest }
  t.match(ports, [{ host_ip: '127.0.0.1', target: 6379, published: '6379' }])
})
