// manifests.ts: Kubernetes manifests as kustomize renders them, and what Kubernetes 1.36 would say against them.
//
// Two judges, as each sees what the other does not: the compiler, with the types of the API, finds fields that do not
// exist; the schemas find values of the wrong form (a quantity, an enumeration, a required field). Never: talks to a
// cluster.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PodMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1'
import { DaemonSet, Deployment, StatefulSet } from 'kubernetes-models/apps/v1'
import { Job } from 'kubernetes-models/batch/v1'
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1'
import { ConfigMap, Namespace, Secret } from 'kubernetes-models/v1'
import ts from 'typescript'
import { parseAllDocuments } from 'yaml'

export interface Manifest {
  readonly apiVersion?: unknown
  readonly kind?: unknown
  readonly [field: string]: unknown
}

export const root = fileURLToPath(new URL('../..', import.meta.url))

interface Api {
  /** Where the type `I<kind>` is declared. */
  readonly module: string
  readonly schema: (manifest: Manifest) => { validate(): void }
}

const prometheus = '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1'

/** The kinds that are used here; any other is an error, so that nothing goes unchecked. */
const apis: Readonly<Record<string, Api>> = {
  'apps/v1 DaemonSet': { module: 'kubernetes-models/apps/v1', schema: data => new DaemonSet(given(data)) },
  'apps/v1 Deployment': { module: 'kubernetes-models/apps/v1', schema: data => new Deployment(given(data)) },
  'apps/v1 StatefulSet': { module: 'kubernetes-models/apps/v1', schema: data => new StatefulSet(given(data)) },
  'batch/v1 Job': { module: 'kubernetes-models/batch/v1', schema: data => new Job(given(data)) },
  'monitoring.coreos.com/v1 PodMonitor': { module: prometheus, schema: data => new PodMonitor(given(data)) },
  'networking.k8s.io/v1 NetworkPolicy': {
    module: 'kubernetes-models/networking.k8s.io/v1',
    schema: data => new NetworkPolicy(given(data)),
  },
  'v1 ConfigMap': { module: 'kubernetes-models/v1', schema: data => new ConfigMap(given(data)) },
  'v1 Namespace': { module: 'kubernetes-models/v1', schema: data => new Namespace(given(data)) },
  'v1 Secret': { module: 'kubernetes-models/v1', schema: data => new Secret(given(data)) },
}

/** What came from a file, handed to a constructor that only stores it: whether it is of the type is the question. */
function given<T>(data: Manifest): T {
  return data as T
}

const rendered = new Map<string, Manifest[]>()

/** The same of a folder that does not change. */
export function renderOnce(folder: string): readonly Manifest[] {
  const manifests = rendered.get(folder) ?? render(folder)
  rendered.set(folder, manifests)
  return manifests
}

/** What `kubectl kustomize FOLDER` gives. @throws Error with what it said. */
export function render(folder: string): Manifest[] {
  const result = spawnSync('kubectl', ['kustomize', folder], { cwd: root, encoding: 'utf8' })
  if (result.error !== undefined) throw result.error
  if (result.status !== 0) throw new Error(result.stderr)
  return parseManifests(result.stdout)
}

export function parseManifests(text: string): Manifest[] {
  return parseAllDocuments(text).map(document => {
    if (document.errors.length > 0) throw new Error(document.errors.join('\n'))
    const value: unknown = document.toJS()
    if (typeof value !== 'object' || value === null) throw new Error('a document is no object')
    return { ...value }
  })
}

/** What stands at a path of names and indexes; undefined where there is nothing. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((inner, key) => {
    return typeof inner === 'object' && inner !== null ? Reflect.get(inner, key) : undefined
  }, value)
}

/** The first of that kind; an empty one where there is none. */
export function named(manifests: readonly Manifest[], kind: string): Manifest {
  return manifests.find(manifest => manifest.kind === kind) ?? {}
}

/** All that Kubernetes would refuse or not know, in words; empty where there is nothing. */
export function faultsOf(manifests: readonly Manifest[]): string[] {
  const known = manifests.filter(manifest => apiOf(manifest) !== undefined)
  const strangers = manifests.filter(manifest => apiOf(manifest) === undefined)
  return [
    ...strangers.map(manifest => `${kindOf(manifest)}: this check does not know that kind`),
    ...known.flatMap(schemaFaults),
    ...typeFaults(known),
  ]
}

function kindOf({ apiVersion, kind }: Manifest): string {
  return `${String(apiVersion)} ${String(kind)}`
}

function apiOf(manifest: Manifest): Api | undefined {
  return apis[kindOf(manifest)]
}

function schemaFaults(manifest: Manifest): string[] {
  try {
    apiOf(manifest)?.schema(manifest).validate()
    return []
  } catch (error) {
    return [`${kindOf(manifest)}: ${error instanceof Error ? error.message : String(error)}`]
  }
}

/** What one program has read is there for the next. */
const sources = new Map<string, ts.SourceFile | undefined>()
let last: ts.Program | undefined

/** One program for all of them: reading the types is what takes the time. */
function typeFaults(manifests: readonly Manifest[]): string[] {
  const file = join(root, 'rendered-manifests.ts')
  const lines = manifests.map((manifest, i) => {
    const type = `import('${apiOf(manifest)?.module ?? ''}').I${String(manifest.kind)}`
    return `export const manifest${i}: ${type} = ${JSON.stringify(manifest, null, 1)}\n`
  })
  const options: ts.CompilerOptions = {
    noEmit: true,
    strict: true,
    skipLibCheck: true,
    types: [],
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
  }
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile, getSourceFile } = host
  const text = lines.join('')
  host.fileExists = name => name === file || fileExists(name)
  host.readFile = name => (name === file ? text : readFile(name))
  host.getSourceFile = (name, version, ...rest) => {
    if (name === file) return ts.createSourceFile(name, text, version, true)
    if (!sources.has(name)) sources.set(name, getSourceFile(name, version, ...rest))
    return sources.get(name)
  }
  const program = ts.createProgram([file], options, host, last)
  last = program
  return ts.getPreEmitDiagnostics(program).map(problem => {
    const line = problem.file?.getLineAndCharacterOfPosition(problem.start ?? 0).line ?? 0
    return `${text.split('\n')[line]?.trim() ?? ''}: ${ts.flattenDiagnosticMessageText(problem.messageText, ' ')}`
  })
}
