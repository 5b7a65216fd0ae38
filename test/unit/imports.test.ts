// The import rule: which folder of src/ may know which, and that nothing goes in circles.
//
//   main → cli → proxy → client → relay → upstream → resp         sentinel is known by proxy and check alone
//                      → sentinel-port → resp,  page
//              → check         → proof, ack, replicas →
//              → switchover → check, control, sentinel
//              → control (its client) ; proxy → control (its server) → relay
//
//   within client:   accept → session → commands → state → flow
//
// The check is a pure function over a graph, so that it can be shown to see what it looks for.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import ts from 'typescript'

interface Edge {
  readonly from: string
  /** A file of src/ by its path in there, or the name of a package. */
  readonly to: string
  readonly kind: 'type' | 'value'
}

const leaves = [
  'address',
  'backoff',
  'errors',
  'instance',
  'running-time',
  'transport',
  'ops/log',
  'ops/counters',
  'ops/client-libraries',
  'ops/wait-sample',
  'ops/missing-rights',
  'ops/bugs',
  'ops/log-throttle',
  'ops/without-arguments',
  'ops/descriptors',
  'ops/reload-line',
] as const
/** Behind the admin port; the proxy alone builds it. */
const adminParts = [
  'ops/admin-guard',
  'ops/counter-metrics',
  'ops/exposition',
  'ops/snapshot',
  'ops/metric-type',
  'ops/metrics',
  'ops/replica-metrics',
  'ops/process-stats',
  'ops/admin-pages',
] as const

const belowClient = ['relay', 'upstream', 'command', 'resp', 'config', ...leaves]

/** For each area the areas it may import from. Where `config` stands it is for types, but for main, cli and proxy. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  main: ['cli', 'config'],
  cli: [
    'proxy',
    'check',
    'switchover',
    'control',
    'drill',
    'config',
    'relay',
    'ops/log-output',
    'ops/late-lines',
    'ops/snapshot',
    ...leaves,
  ],
  // Watches the switchovers of a drill and judges what sessions did; what it asks it is given.
  drill: ['switchover', 'check', 'ops/snapshot', ...leaves],
  // Asks as the control plane asks and judges by its rules; knows nothing of a running proxy.
  check: ['sentinel', 'config', ...leaves],
  // Judges as the check does, and asks the running proxy over its control socket alone.
  switchover: ['check', 'control', 'sentinel', 'command', 'config', ...leaves],
  proxy: [
    'client/accept',
    'client/session',
    'client/state',
    'client/flow',
    'ack',
    'proof',
    'replicas',
    'relay',
    'upstream',
    'sentinel',
    'sentinel-port',
    'command',
    'config',
    'control',
    'ops/admin',
    'ops/admin-pages',
    'ops/snapshot',
    'page',
    ...leaves,
  ],
  // Behind the admin port, which knows it by an interface alone.
  page: ['ops/snapshot', 'ops/admin-pages', 'ops/admin', ...leaves],
  // Asks nodes and Sentinels by the control plane's means, and decides where sessions of the replica port read.
  replicas: ['sentinel', 'relay', 'upstream', 'command', 'resp', 'ops/snapshot', 'ops/labelled-counters', ...leaves],
  'client/accept': ['client/session', 'client/state', 'client/flow', 'relay', 'config', 'ops/snapshot', ...leaves],
  'client/session': ['client/commands', 'client/state', 'client/flow', ...belowClient],
  'client/commands': ['client/state', 'client/flow', ...belowClient],
  'client/state': ['client/flow', ...belowClient],
  // Numbers and timers of one connection or of all; knows no command.
  'client/flow': leaves,
  // Knows the relay, which knows it by an interface alone.
  ack: ['relay', 'upstream', 'command', 'resp', ...leaves],
  proof: ['relay', 'upstream', 'command', 'resp', ...leaves],
  relay: ['upstream', 'command', 'resp', 'config', 'ops/snapshot', ...leaves],
  upstream: ['resp', 'config', ...leaves],
  sentinel: ['config', 'ops/snapshot', 'ops/late-lines', ...leaves],
  // Knows the pause of the relay, and the program by an interface alone.
  control: ['relay', 'ops/snapshot', ...leaves],
  // Speaks Sentinel and knows none: there is no address in it that it must not tell.
  'sentinel-port': ['resp', ...leaves],
  command: ['resp'],
  config: ['address', 'ops/log', 'command', 'transport'],
  resp: [],
  address: [],
  backoff: [],
  errors: [],
  instance: [],
  'running-time': [],
  transport: ['address', 'running-time', 'ops/log', 'ops/log-throttle', 'ops/counters'],
  'ops/log': ['ops/log-output', 'ops/late-lines', 'ops/source-stack', 'ops/without-arguments'],
  'ops/late-lines': [],
  'ops/source-stack': [],
  'ops/log-output': [],
  'ops/without-arguments': [],
  'ops/counters': ['ops/labelled-counters'],
  'ops/labelled-counters': ['ops/histogram'],
  'ops/histogram': ['ops/wait-sample'],
  'ops/wait-sample': [],
  'ops/snapshot': ['ops/wait-sample', 'ops/counters', 'ops/labelled-counters'],
  'ops/counter-metrics': ['ops/counters'],
  'ops/metric-type': ['ops/counter-metrics', 'ops/counters', 'ops/labelled-counters', 'ops/snapshot', 'ops/histogram'],
  'ops/replica-metrics': ['ops/counters', 'ops/labelled-counters', 'ops/metric-type', 'ops/snapshot'],
  'ops/metrics': [
    'ops/replica-metrics',
    'ops/client-libraries',
    'ops/counter-metrics',
    'ops/labelled-counters',
    'ops/snapshot',
    'ops/metric-type',
    'ops/process-stats',
  ],
  'ops/process-stats': ['ops/descriptors'],
  'ops/descriptors': [],
  'ops/exposition': ['ops/snapshot', 'ops/histogram', 'ops/metric-type'],
  'ops/admin-pages': ['ops/snapshot'],
  'ops/admin': ['address', 'ops/log', ...adminParts],
  'ops/admin-guard': ['address'],
  'ops/client-libraries': [],
  'ops/missing-rights': ['ops/log'],
  'ops/bugs': ['ops/counters', 'ops/log', 'ops/log-throttle'],
  'ops/log-throttle': [],
  'ops/reload-line': ['ops/log'],
}

/** Who may import a package; Node's own modules are free. */
const packages: Readonly<Record<string, readonly string[]>> = {
  'close-with-grace': ['cli'],
  ioredis: ['sentinel', 'check'],
  pino: ['ops/log', 'ops/late-lines'],
  'pino-pretty': ['ops/log'],
  '@prometheus-io/client': ['ops/exposition'],
  '@prometheus-io/client/lib/registry.js': ['ops/exposition'],
  'redis-parser': ['resp'],
  yaml: ['config'],
}

/**
 * `client/session` for client/session/reader.ts, `config` for config.ts and config/file.ts, `ops/log` for ops/log.ts.
 */
function areaOf(file: string): string {
  const path = file.replace(/\.ts$/, '')
  if (path.startsWith('ops/')) return path
  const [first = path, second = ''] = path.split('/')
  return first === 'client' ? `${first}/${second}` : first
}

function findProblems(edges: readonly Edge[]): string[] {
  return [...edges.flatMap(edge => edgeProblem(edge) ?? []), ...findCycles(edges)]
}

function edgeProblem({ from, to, kind }: Edge): string | undefined {
  const area = areaOf(from)
  const known = allowed[area]
  if (!known) return `${from}: the import rule knows no "${area}"`
  if (!to.endsWith('.ts')) {
    return to.startsWith('node:') || packages[to]?.includes(area) ? undefined : `${from} must not import package ${to}`
  }
  const target = areaOf(to)
  if (target === area) return undefined
  if (!known.includes(target)) return `${from} must not import ${to}`
  const forTypes = target === 'config' && !['main', 'cli', 'proxy'].includes(area)
  return forTypes && kind === 'value' ? `${from} must import nothing but types from ${to}` : undefined
}

/** Each cycle of files once, as `a.ts → b.ts → a.ts`; an import of types closes a circle of thought as well. */
function findCycles(edges: readonly Edge[]): string[] {
  const targets = Map.groupBy(edges, edge => edge.from)
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file)
    if (start >= 0) cycles.push([...path.slice(start), file].join(' → '))
    if (start >= 0 || done.has(file)) return
    for (const edge of targets.get(file) ?? []) visit(edge.to, [...path, file])
    done.add(file)
  }
  for (const file of targets.keys()) visit(file, [])
  return cycles
}

/** All that a file imports: import and export declarations, import() and types by import(). */
function readEdges(file: string, source: string): Edge[] {
  const edges: Edge[] = []
  const add = (specifier: ts.Node | undefined, kind: Edge['kind']) => {
    if (!specifier || !ts.isStringLiteral(specifier)) return
    const to = specifier.text.startsWith('.') ? posix.join(posix.dirname(file), specifier.text) : specifier.text
    edges.push({ from: file, to, kind })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, bringsTypesOnly(node) ? 'type' : 'value')
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly ? 'type' : 'value')
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, 'type')
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], 'value')
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true))
  return edges
}

function bringsTypesOnly(node: ts.ImportDeclaration): boolean {
  const clause = node.importClause
  if (!clause) return false
  if (clause.isTypeOnly) return true
  const named = clause.namedBindings
  return !clause.name && named !== undefined && ts.isNamedImports(named) && named.elements.every(one => one.isTypeOnly)
}

const src = `${dirname(dirname(dirname(fileURLToPath(import.meta.url))))}/src`

/** What browsers run is no part of the program. */
const browser = 'page/browser/'

function sourceFiles(): string[] {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  return files.filter(file => /(?<!\.d)\.ts$/.test(file) && !file.startsWith(browser))
}

const edge = (from: string, to: string, kind: Edge['kind'] = 'value'): Edge => ({ from, to, kind })

t.test('imports — go one way and never in a circle — in all of src', async t => {
  const files = sourceFiles()
  const edges = files.flatMap(file => readEdges(file, readFileSync(`${src}/${file}`, 'utf8')))
  t.strictSame(findProblems(edges), [])
  t.strictSame(
    files.filter(file => !(areaOf(file) in allowed)),
    [],
    'each file belongs to an area of the rule',
  )
  t.strictSame(
    edges.filter(({ to }) => to.endsWith('.ts') && !files.includes(to)),
    [],
    'each import names a file there is',
  )
})

t.test('imports — are all found — in a tree the size of this one', async t => {
  const edges = sourceFiles().flatMap(file => readEdges(file, readFileSync(`${src}/${file}`, 'utf8')))
  const reached = new Set(['main.ts'])
  for (const file of reached) for (const { from, to } of edges) if (from === file) reached.add(to)
  t.strictSame(
    sourceFiles().filter(file => !reached.has(file)),
    [],
    'main reaches every file; one that nothing imports is dead, or its import was not seen',
  )
})

t.test('imports — what browsers run knows itself alone and goes in no circle — and main reaches all of it', async t => {
  const files = readdirSync(`${src}/${browser}`).filter(file => file.endsWith('.js'))
  const edges = files.flatMap(file => readEdges(file, readFileSync(`${src}/${browser}${file}`, 'utf8')))
  t.strictSame(
    edges.filter(({ to }) => !files.includes(to) && to !== 'uplot.js'),
    [],
  )
  t.strictSame(findCycles(edges), [])
  t.strictSame(
    files.filter(file => file !== 'main.js' && !edges.some(({ to }) => to === file)),
    [],
  )
})

t.test('imports — a wrong edge is reported', async t => {
  const wrong: [Edge, string][] = [
    [edge('resp/decode.ts', 'address.ts'), 'resp/decode.ts must not import address.ts'],
    [edge('upstream/link.ts', 'relay/gate.ts', 'type'), 'upstream/link.ts must not import relay/gate.ts'],
    [edge('relay/gate.ts', 'sentinel/watcher.ts'), 'relay/gate.ts must not import sentinel/watcher.ts'],
    [edge('errors.ts', 'ops/log.ts'), 'errors.ts must not import ops/log.ts'],
    [edge('ops/counters.ts', 'ops/log.ts'), 'ops/counters.ts must not import ops/log.ts'],
    [edge('check/collect.ts', 'proxy.ts'), 'check/collect.ts must not import proxy.ts'],
    [edge('main.ts', 'proxy.ts'), 'main.ts must not import proxy.ts'],
    [edge('config/file.ts', 'proxy.ts'), 'config/file.ts must not import proxy.ts'],
    [
      edge('client/session/session.ts', 'config.ts'),
      'client/session/session.ts must import nothing but types from config.ts',
    ],
    [edge('client/session/session.ts', 'ioredis'), 'client/session/session.ts must not import package ioredis'],
    [edge('transport/password.ts', 'errors.ts'), 'transport/password.ts must not import errors.ts'],
    [edge('page/page.ts', 'relay/gate.ts'), 'page/page.ts must not import relay/gate.ts'],
    [edge('misc/odd.ts', 'address.ts'), 'misc/odd.ts: the import rule knows no "misc"'],
  ]
  for (const [given, problem] of wrong) t.strictSame(findProblems([given]), [problem])
})

t.test('imports — an allowed edge is not reported', async t => {
  const fine = [
    edge('main.ts', 'cli/serve.ts'),
    edge('cli/serve.ts', 'proxy.ts'),
    edge('cli/check.ts', 'check/judge.ts'),
    edge('check/ask.ts', 'sentinel/ioredis-client.ts'),
    edge('proxy.ts', 'sentinel/watcher.ts'),
    edge('client/session/session.ts', 'config.ts', 'type'),
    edge('client/session/session.ts', 'client/state/session-state.ts'),
    edge('relay/lane.ts', 'upstream/link.ts'),
    edge('ops/log.ts', 'pino'),
    edge('resp/decode.ts', 'node:buffer'),
  ]
  t.strictSame(findProblems(fine), [])
})

t.test('imports — a circle is reported once — within one area too', async t => {
  const circle = [
    edge('relay/a.ts', 'relay/b.ts'),
    edge('relay/b.ts', 'relay/c.ts', 'type'),
    edge('relay/c.ts', 'relay/a.ts'),
    edge('relay/d.ts', 'relay/a.ts'),
  ]
  t.strictSame(findProblems(circle), ['relay/a.ts → relay/b.ts → relay/c.ts → relay/a.ts'])
  t.strictSame(findProblems([edge('relay/a.ts', 'relay/a.ts')]), ['relay/a.ts → relay/a.ts'])
  t.strictSame(findProblems(circle.slice(0, 2)), [])
})

t.test('imports — every form is seen, with what it brings', async t => {
  const source = `
    import { connect } from 'node:net'
    import type { A } from '../address.ts'
    import { type B, type C } from './b.ts'
    import { d, type D } from './d.ts'
    export { e } from './e.ts'
    export type { F } from './f.ts'
    type G = import('./g.ts').G
    const h = await import('./h.ts')
    // import './comment.ts'
    const text = "import './text.ts'"
  `
  t.strictSame(readEdges('relay/x.ts', source), [
    edge('relay/x.ts', 'node:net'),
    edge('relay/x.ts', 'address.ts', 'type'),
    edge('relay/x.ts', 'relay/b.ts', 'type'),
    edge('relay/x.ts', 'relay/d.ts'),
    edge('relay/x.ts', 'relay/e.ts'),
    edge('relay/x.ts', 'relay/f.ts', 'type'),
    edge('relay/x.ts', 'relay/g.ts', 'type'),
    edge('relay/x.ts', 'relay/h.ts'),
  ])
})
