// One Holdfast a node: the two DaemonSets as kustomize renders them, against the API of Kubernetes, and their
// configuration against Holdfast itself.
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { exposures } from '../../src/config/exposed-listeners.ts'
import { type Config, readConfig } from '../../src/config.ts'
import { container } from '../support/memory-limit.ts'
import { without } from '../support/needs.ts'
import { at, faultsOf, type Manifest, named, render, root } from './manifests.ts'

const skip = without('kubectl')
const variants = ['node-socket', 'node-port'] as const
const secrets = '/etc/holdfast/secrets'
const pod = ['spec', 'template', 'spec'] as const
const holdfast = [...pod, 'containers', 0] as const

const rendered = new Map<string, Manifest[]>()
function manifestsOf(variant: (typeof variants)[number]): Manifest[] {
  const known = rendered.get(variant) ?? render(join(root, 'deploy', 'kubernetes', variant))
  rendered.set(variant, known)
  return known
}

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/** What Holdfast makes of the file and the variables of the manifest; the Secret's keys are files of a test folder. */
function configsOf(t: Test, manifests: readonly Manifest[]): readonly [Config, ...Config[]] {
  const folder = t.testdir()
  for (const [key, value] of Object.entries(Object(at(named(manifests, 'Secret'), 'stringData'))))
    writeFileSync(join(folder, key), String(value))
  const text = String(at(named(manifests, 'ConfigMap'), 'data', 'holdfast.yaml'))
  const file = join(folder, 'holdfast.yaml')
  writeFileSync(file, text.replaceAll(secrets, folder))
  const variables = list(at(named(manifests, 'DaemonSet'), ...holdfast, 'env')).map((one): [string, string] => {
    return [String(at(one, 'name')), String(at(one, 'value'))]
  })
  const read = readConfig([], { ...Object.fromEntries(variables), HOLDFAST_CONFIG: file })
  if (read.kind !== 'config') throw new Error(`no configuration: ${JSON.stringify(read)}`)
  return read.masters
}

for (const variant of variants) {
  t.test(`${variant} — is what Kubernetes accepts — as it stands`, { skip }, async t => {
    t.strictSame(faultsOf(manifestsOf(variant)), [])
  })

  t.test(
    `${variant} — has a configuration of several masters — with nothing open without a password`,
    { skip },
    async t => {
      const manifests = manifestsOf(variant)
      const configs = configsOf(t, manifests)
      t.strictSame(
        configs.map(one => one.masterName),
        ['cache', 'queue', 'session'],
      )
      t.strictSame(
        exposures(configs).map(one => one.event),
        ['admin.exposed'],
        'the admin port alone, for the kubelet and Prometheus',
      )
      const daemon = named(manifests, 'DaemonSet')
      const file = at(daemon, ...holdfast, 'env', 0, 'value')
      const volumes = list(at(daemon, ...pod, 'volumes'))
      const folderOf = (name: string): unknown =>
        at(
          list(at(daemon, ...holdfast, 'volumeMounts')).find(one => at(one, 'name') === name),
          'mountPath',
        )
      t.equal(file, `${String(folderOf('config'))}/holdfast.yaml`)
      t.equal(folderOf('secrets'), secrets)
      const volume = (name: string): unknown => volumes.find(one => at(one, 'name') === name)
      t.equal(at(volume('config'), 'configMap', 'name'), at(named(manifests, 'ConfigMap'), 'metadata', 'name'))
      t.equal(at(volume('secrets'), 'secret', 'secretName'), at(named(manifests, 'Secret'), 'metadata', 'name'))
    },
  )

  t.test(`${variant} — Holdfast itself has no rights — whatever the node gives it`, { skip }, async t => {
    t.strictSame(at(named(manifestsOf(variant), 'DaemonSet'), ...holdfast, 'securityContext'), {
      runAsNonRoot: true,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    })
  })

  t.test(`${variant} — probes never depend on Redis once it runs — and ask the admin port`, { skip }, async t => {
    const daemon = named(manifestsOf(variant), 'DaemonSet')
    const probe = (name: string): unknown => at(daemon, ...holdfast, name)
    t.equal(at(probe('startupProbe'), 'httpGet', 'path'), '/startup')
    t.equal(at(probe('livenessProbe'), 'httpGet', 'path'), '/live')
    t.equal(probe('readinessProbe'), undefined)
    const admin = list(at(daemon, ...holdfast, 'ports')).find(one => at(one, 'name') === 'holdfast-admin')
    t.equal(at(daemon, ...holdfast, 'env', 1, 'value'), `0.0.0.0:${String(at(admin, 'containerPort'))}`)
    const seconds = Number(at(probe('startupProbe'), 'failureThreshold'))
    t.ok(seconds > 365 * 86_400, 'a node may start while Redis is away')
    t.strictSame(at(daemon, 'spec', 'template', 'metadata', 'labels', 'holdfast.dev/sidecar'), 'true', 'the PodMonitor')
  })

  t.test(`${variant} — the memory limit — covers what all its masters may hold`, { skip }, async t => {
    const manifests = manifestsOf(variant)
    const configs = configsOf(t, manifests)
    for (const { maxHeldBytes } of configs) t.equal(maxHeldBytes, container.heldMb * 1024 * 1024)
    const limit = at(named(manifests, 'DaemonSet'), ...holdfast, 'resources', 'limits', 'memory')
    t.equal(limit, `${container.limitMiB + 2 * container.heldMb * (configs.length - 1)}Mi`)
  })
}

t.test('node-port — each port of the node — leads to the master of its name', { skip }, async t => {
  const manifests = manifestsOf('node-port')
  const ports = list(at(named(manifests, 'DaemonSet'), ...holdfast, 'ports')).filter(one => at(one, 'hostPort'))
  const wanted = configsOf(t, manifests).map(({ masterName, listen }) => [masterName, '0.0.0.0', listen?.port])
  t.strictSame(
    ports.map(one => [at(one, 'name'), '0.0.0.0', at(one, 'containerPort')]),
    wanted,
  )
  for (const one of ports) t.equal(at(one, 'hostPort'), at(one, 'containerPort'))
  for (const { clientPassword } of configsOf(t, manifests)) t.not(clientPassword, null)
})

t.test('node-socket — each socket — lies in the folder of the node, and no port is open', { skip }, async t => {
  const manifests = manifestsOf('node-socket')
  const daemon = named(manifests, 'DaemonSet')
  const volumes = list(at(daemon, ...pod, 'volumes'))
  const path = String(
    at(
      volumes.find(one => at(one, 'name') === 'sockets'),
      'hostPath',
      'path',
    ),
  )
  for (const { masterName, listen, listenSocket } of configsOf(t, manifests)) {
    t.equal(listen, null)
    t.equal(listenSocket?.path, join(path, `${masterName}.sock`))
  }
  const mounts = [holdfast, [...pod, 'initContainers', 0]].map(where => list(at(daemon, ...where, 'volumeMounts')))
  for (const own of mounts)
    t.equal(
      at(
        own.find(one => at(one, 'name') === 'sockets'),
        'mountPath',
      ),
      path,
    )
  t.notOk(list(at(daemon, ...holdfast, 'ports')).some(one => at(one, 'hostPort') !== undefined))
})

const asRoot = process.getuid?.() === 0 ? false : 'only root may give a folder away'

t.test(
  'node-socket — the container before it — gives the folder to the user of Holdfast, each time',
  { skip: skip || asRoot },
  async t => {
    const before = at(named(manifestsOf('node-socket'), 'DaemonSet'), ...pod, 'initContainers', 0)
    t.strictSame(at(before, 'securityContext', 'capabilities'), { drop: ['ALL'], add: ['CHOWN', 'FOWNER'] })
    const [, flag = '', script = ''] = list(at(before, 'command')).map(String)
    const folder = join(t.testdir(), 'run')
    mkdirSync(folder)
    for (let start = 0; start < 2; start++) {
      chmodSync(folder, 0o755)
      const { status, stderr } = spawnSync(process.execPath, [flag, script.replaceAll('/run/holdfast', folder)])
      t.equal(status, 0, String(stderr))
      const { uid, gid, mode } = statSync(folder)
      t.strictSame([uid, gid, mode & 0o777], [1000, 1000, 0o750])
    }
    t.match(readFileSync(join(root, 'Dockerfile'), 'utf8'), /^USER 1000:1000$/m)
    t.equal(dirname(folder), t.testdirName)
  },
)
