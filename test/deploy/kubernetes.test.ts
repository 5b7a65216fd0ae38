// The manifests as kustomize renders them, against the API of Kubernetes 1.36, and the promises that they make.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import t, { type Test } from 'tap'
import { stringify } from 'yaml'
import { container } from '../support/memory-limit.ts'
import { without } from '../support/needs.ts'
import { at, faultsOf, type Manifest, named, parseManifests, render, renderOnce, root } from './manifests.ts'

const skip = without('kubectl')

const folder = join(root, 'deploy', 'kubernetes')
const components = ['sidecar', 'pod-monitor', 'network-policy'] as const

/** A workload that asks for the sidecar, as a person would write it. */
function workload(kind: string, spec: object = {}): Manifest {
  const pod = { containers: [{ name: 'own', image: 'own' }], ...(kind === 'Job' ? { restartPolicy: 'Never' } : {}) }
  const template = { metadata: { labels: { app: 'own' } }, spec: pod }
  const selector = kind === 'Job' ? {} : { selector: { matchLabels: { app: 'own' } } }
  return {
    apiVersion: kind === 'Job' ? 'batch/v1' : 'apps/v1',
    kind,
    metadata: { name: kind.toLowerCase(), labels: { 'holdfast.dev/inject': 'true' } },
    spec: { ...selector, ...(kind === 'StatefulSet' ? { serviceName: 'own' } : {}), template, ...spec },
  }
}

const rendered = new Map<string, Manifest[]>()

/** An overlay of a folder of its own, with all components; the same is rendered once. */
function renderWith(t: Test, manifests: readonly Manifest[]): readonly Manifest[] {
  const key = JSON.stringify(manifests)
  const known = rendered.get(key) ?? renderOverlay(t, manifests)
  rendered.set(key, known)
  return known
}

function renderOverlay(t: Test, manifests: readonly Manifest[]): Manifest[] {
  const overlay = mkdtempSync(join(tmpdir(), 'holdfast-overlay-'))
  t.teardown(() => rmSync(overlay, { recursive: true }))
  writeFileSync(join(overlay, 'own.yaml'), manifests.map(manifest => stringify(manifest)).join('---\n'))
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: ['own.yaml'],
    components: components.map(name => relative(overlay, join(folder, name))),
    images: [{ name: 'holdfast', newName: 'registry.example.com/holdfast', newTag: '1' }],
    configMapGenerator: [{ name: 'holdfast', literals: ['HOLDFAST_MASTER=mymaster'] }],
  }
  writeFileSync(join(overlay, 'kustomization.yaml'), stringify(kustomization))
  return render(overlay)
}

const pod = ['spec', 'template', 'spec'] as const
const sidecar = [...pod, 'initContainers', 0] as const

t.test('the example — is what Kubernetes accepts — as it stands', { skip }, async t => {
  t.strictSame(faultsOf(renderOnce(join(folder, 'example'))), [])
})

t.test('the component — adds the sidecar — to each kind of workload that asks for it', { skip }, async t => {
  const kinds = ['Deployment', 'StatefulSet', 'DaemonSet', 'Job']
  const rendered = renderWith(
    t,
    kinds.map(kind => workload(kind)),
  )
  t.strictSame(faultsOf(rendered), [])
  for (const kind of kinds) {
    const manifest = named(rendered, kind)
    t.equal(at(manifest, ...sidecar, 'name'), 'holdfast', `${kind}: it is there`)
    t.equal(at(manifest, ...sidecar, 'restartPolicy'), 'Always', `${kind}: as a native sidecar`)
    t.equal(at(manifest, ...sidecar, 'image'), 'registry.example.com/holdfast:1', `${kind}: the overlay's image`)
    t.equal(at(manifest, ...pod, 'containers', 0, 'name'), 'own', `${kind}: the application is still there`)
    t.match(at(manifest, ...sidecar, 'envFrom', 0, 'configMapRef', 'name'), /^holdfast-\w{10}$/, `${kind}: its config`)
  }
})

t.test('the component — leaves a workload alone — that does not carry the label', { skip }, async t => {
  const plain = { ...workload('Deployment'), metadata: { name: 'plain' } }
  t.strictSame(named(renderWith(t, [plain]), 'Deployment'), plain)
})

t.test(
  'the sidecar — starts before the init containers of the application — which may use Redis too',
  { skip },
  async t => {
    const own = workload('Deployment')
    const template = { ...Object(at(own, 'spec', 'template')) }
    template.spec = { ...template.spec, initContainers: [{ name: 'migrate', image: 'own' }] }
    const rendered = named(renderWith(t, [workload('Deployment', { template })]), 'Deployment')
    t.equal(at(rendered, ...sidecar, 'name'), 'holdfast')
    t.equal(at(rendered, ...pod, 'initContainers', 1, 'name'), 'migrate')
  },
)

t.test(
  'the sidecar — has no rights — and needs no exception from the restricted pod security standard',
  { skip },
  async t => {
    const rendered = named(renderOnce(join(folder, 'example')), 'Deployment')
    t.strictSame(at(rendered, ...sidecar, 'securityContext'), {
      runAsNonRoot: true,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    })
  },
)

t.test(
  'the liveness probe — asks only whether the process answers — so that a failover restarts nothing',
  { skip },
  async t => {
    const rendered = named(renderOnce(join(folder, 'example')), 'Deployment')
    t.equal(at(rendered, ...sidecar, 'livenessProbe', 'httpGet', 'path'), '/live')
    t.equal(at(rendered, ...sidecar, 'startupProbe', 'httpGet', 'path'), '/startup')
    t.equal(at(rendered, ...sidecar, 'readinessProbe'), undefined, 'and the pod stays ready through a failover')
  },
)

t.test('the startup probe — restarts nothing — however long Redis is away when a pod starts', { skip }, async t => {
  const probe = at(named(renderOnce(join(folder, 'example')), 'Deployment'), ...sidecar, 'startupProbe')
  const seconds = Number(at(probe, 'periodSeconds')) * Number(at(probe, 'failureThreshold'))
  t.ok(seconds > 365 * 86_400, `${seconds} s`)
})

t.test('the PodMonitor — names the job — that the alert for a Holdfast which is down looks for', { skip }, async t => {
  const monitor = named(renderWith(t, [workload('Deployment')]), 'PodMonitor')
  const relabelings = at(monitor, 'spec', 'podMetricsEndpoints', 0, 'relabelings')
  t.strictSame(relabelings, [{ targetLabel: 'job', replacement: 'holdfast' }])
  const alerts = readFileSync(join(root, 'deploy', 'observability', 'alerts.yaml'), 'utf8')
  const [, pattern = ''] = /up\{job=~"([^"]+)"\} == 0/.exec(alerts) ?? []
  for (const job of ['holdfast', 'shop/holdfast']) t.match(job, new RegExp(`^(?:${pattern})$`))
  for (const job of ['redis', 'myholdfast']) t.notMatch(job, new RegExp(`^(?:${pattern})$`))
})

t.test(
  'the admin port — is one number — for the option, the container, the probes and the PodMonitor',
  { skip },
  async t => {
    const rendered = renderWith(t, [workload('Deployment')])
    const deployment = named(rendered, 'Deployment')
    const port = at(deployment, ...sidecar, 'ports', 0)
    t.equal(at(deployment, ...sidecar, 'env', 0, 'value'), `0.0.0.0:${String(at(port, 'containerPort'))}`)
    const name = at(port, 'name')
    for (const probe of ['startupProbe', 'livenessProbe']) {
      t.equal(at(deployment, ...sidecar, probe, 'httpGet', 'port'), name, probe)
    }
    t.equal(at(named(rendered, 'PodMonitor'), 'spec', 'podMetricsEndpoints', 0, 'port'), name)
    t.equal(at(named(rendered, 'NetworkPolicy'), 'spec', 'ingress', 0, 'ports', 0, 'port'), name)
  },
)

t.test(
  'the PodMonitor and the NetworkPolicy — select the pods with the sidecar — by the label it brings',
  { skip },
  async t => {
    const rendered = renderWith(t, [workload('Deployment')])
    const labels = Object(at(named(rendered, 'Deployment'), 'spec', 'template', 'metadata', 'labels'))
    const wanted = { 'holdfast.dev/sidecar': 'true' }
    t.strictSame(labels, { app: 'own', ...wanted })
    t.strictSame(at(named(rendered, 'PodMonitor'), 'spec', 'selector', 'matchLabels'), wanted)
    t.strictSame(at(named(rendered, 'NetworkPolicy'), 'spec', 'podSelector', 'matchLabels'), wanted)
  },
)

t.test('the memory limit — is the one that a full proxy was tried with — for what it may hold', { skip }, async t => {
  const rendered = named(renderOnce(join(folder, 'example')), 'Deployment')
  t.equal(at(rendered, ...sidecar, 'env', 1, 'name'), 'HOLDFAST_MAX_HELD_BYTES')
  const held = Number(/^(\d+)mb$/.exec(String(at(rendered, ...sidecar, 'env', 1, 'value')))?.[1])
  const limit = Number(/^(\d+)Mi$/.exec(String(at(rendered, ...sidecar, 'resources', 'limits', 'memory')))?.[1])
  t.strictSame({ heldMb: held, limitMiB: limit }, container)
  const readme = readFileSync(join(root, 'docker', 'README.md'), 'utf8')
  t.ok(
    readme.includes(`--memory ${container.limitMiB}m `) &&
      readme.includes(`HOLDFAST_MAX_HELD_BYTES=${container.heldMb}mb `),
  )
  t.match(readFileSync(join(root, 'docker', 'compose.yaml'), 'utf8'), `mem_limit: ${container.limitMiB}m`)
  t.match(readFileSync(join(root, 'docs', 'kubernetes.md'), 'utf8'), `| ${container.limitMiB}Mi |`)
})

t.test(
  'passwords — come from keys that the Secret has — mounted as a folder, so that they can change',
  { skip },
  async t => {
    const rendered = renderOnce(join(folder, 'example'))
    const deployment = named(rendered, 'Deployment')
    const mount = at(deployment, ...sidecar, 'volumeMounts', 0)
    t.equal(at(mount, 'subPath'), undefined)
    const secret = named(rendered, 'Secret')
    t.equal(at(deployment, ...pod, 'volumes', 0, 'secret', 'secretName'), at(secret, 'metadata', 'name'))
    const files = Object.entries(Object(at(named(rendered, 'ConfigMap'), 'data')))
      .filter(([variable]) => variable.endsWith('_FILE'))
      .map(([, file]) => String(file))
    const keys = Object.keys(Object(at(secret, 'stringData')))
    t.strictSame(files.sort(), keys.map(key => `${String(at(mount, 'mountPath'))}/${key}`).sort())
  },
)

t.test(
  'faultsOf — finds what is planted — a misspelling, a wrong type, a wrong value, a missing field, a stranger',
  { skip },
  async t => {
    const example = renderOnce(join(folder, 'example'))
    const text = stringify(named(example, 'Deployment'))
    const planted: readonly (readonly [string | RegExp, string, RegExp])[] = [
      ['readOnlyRootFilesystem', 'readOnlyRootFileSystem', /readOnlyRootFileSystem.*does not exist/],
      ['startupProbe', 'startUpProbe', /startUpProbe.*does not exist/],
      ['containerPort: 9379', 'containerPort: "9379"', /containerPort must be integer/],
      ['memory: 512Mi', 'memory: 512Mb', /memory must match/],
      [/ {6}containers:[\s\S]*? {6}initContainers:/, '      initContainers:', /containers/],
      ['kind: Deployment', 'kind: Deploymint', /Deploymint: this check does not know/],
    ]
    for (const [from, to, wanted] of planted) {
      const changed = text.replace(from, to)
      t.not(changed, text, `${to}: is planted`)
      t.match(faultsOf(parseManifests(changed)).join('\n'), wanted, `${to}: is found`)
    }
  },
)
