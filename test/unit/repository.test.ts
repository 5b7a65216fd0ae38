// The files that the host of the repository reads: they parse, and the scripts and files they name are there.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { parseDocument } from 'yaml'
import { notesOf, problemsOf } from '../../scripts/release-notes.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const manifest = JSON.parse(read('package.json'))

interface Step {
  readonly uses?: string
  readonly run?: string
}
interface Workflow {
  readonly on?: object
  readonly permissions?: object
  readonly jobs?: Readonly<Record<string, { 'runs-on'?: string; 'timeout-minutes'?: number; steps?: Step[] }>>
}

/** @throws Error where it is no YAML. */
function parse<T>(path: string): T {
  const document = parseDocument(read(path))
  if (document.errors.length > 0) throw new Error(`${path}: ${document.errors.join('\n')}`)
  return document.toJS() as T
}

/** npm scripts that a text calls, by name. */
function scriptsIn(text: string): string[] {
  const named = [...text.matchAll(/\bnpm run (?:--?[\w-]+ )*([\w:-]+)/g)].map(([, name = '']) => name)
  return /\bnpm (?:--?[\w-]+ )*test\b/.test(text) ? [...named, 'test'] : named
}

const workflows = readdirSync(join(root, '.github', 'workflows')).map(name => `.github/workflows/${name}`)

t.test('workflows — have the ones that are expected', async t => {
  t.strictSame(workflows.map(path => path.replace(/.*\//, '')).sort(), ['ci.yml', 'nightly.yml', 'release.yml'])
})

for (const path of workflows) {
  t.test(`${path} — has jobs with bounds, steps, few rights, and scripts that exist`, async t => {
    const { on, permissions, jobs = {} } = parse<Workflow>(path)
    t.ok(on, 'it says when it runs')
    t.strictSame(permissions, { contents: 'read' }, 'a job that needs more says so itself')
    t.ok(Object.keys(jobs).length > 0)
    for (const [name, job] of Object.entries(jobs)) {
      t.match(job['runs-on'], /^ubuntu-\d/, `${name}: a system by its version`)
      t.ok(Number(job['timeout-minutes']) <= 360, `${name}: a bound`)
      const steps = job.steps ?? []
      t.ok(steps.length > 0, `${name}: steps`)
      for (const { uses, run } of steps) t.not(uses === undefined, run === undefined, `${name}: ${uses ?? run}`)
      const scripts = steps.flatMap(({ run = '' }) => scriptsIn(run))
      t.ok(scripts.length > 0, `${name}: calls a script`)
      for (const script of scripts) t.ok(script in manifest.scripts, `${name}: npm run ${script}`)
    }
  })
}

t.test('scriptsIn — finds what is planted — flags and texts between', async t => {
  t.strictSame(scriptsIn('npm run --silent a:b -- x && npm run c-d\nnpm test'), ['a:b', 'c-d', 'test'])
  t.strictSame(scriptsIn('npm ci; npm publish --tag test'), [])
})

t.test('ci — runs all that a change must pass — on every line of Node that is supported', async t => {
  const { jobs = {} } = parse<Workflow>('.github/workflows/ci.yml')
  t.match(jobs, { check: { strategy: { matrix: { node: [22, 24, 26] } } } })
  t.ok(jobs['check']?.steps?.some(({ run }) => run === 'npm run check'))
  t.match(read('.ci/run'), /^exec npm run --silent check$/m)
  t.equal(manifest.scripts.check, manifest.scripts.test, 'npm test is the same')
  t.match(manifest.engines.node, /^>=22\./)
})

t.test('.node-version — is the line of Node — that the scripts run on', async t => {
  t.equal(read('.node-version').trim(), manifest.devDependencies.node.split('.')[0])
})

t.test('nightly — has what takes hours', async t => {
  const { jobs = {} } = parse<Workflow>('.github/workflows/nightly.yml')
  t.strictSame(Object.keys(jobs).sort(), [
    'client-suites',
    'faults',
    'mutations',
    'policies',
    'redis-suite',
    'soak',
    'walks',
  ])
})

t.test('dependabot — gives a reason for each cap, of packages that are used', async t => {
  const { updates } = parse<{ updates: { ignore?: { 'dependency-name': string }[] }[] }>('.github/dependabot.yml')
  t.equal(updates.length, 3)
  const used = { ...manifest.dependencies, ...manifest.devDependencies }
  for (const { 'dependency-name': name } of updates[0]?.ignore ?? []) t.ok(name in used, name)
  t.match(used.typescript, /^6\.0\./, 'the cap holds')
})

t.test('issue forms — parse, and ask something', async t => {
  const folder = '.github/ISSUE_TEMPLATE'
  for (const name of readdirSync(join(root, folder)).filter(name => name !== 'config.yml')) {
    const form = parse<{ name?: string; description?: string; body?: { id?: string }[] }>(`${folder}/${name}`)
    t.ok(form.name && form.description && (form.body?.length ?? 0) > 0, name)
    const ids = form.body?.map(({ id }) => id) ?? []
    t.equal(new Set(ids).size, ids.length, `${name}: each question has a name of its own`)
  }
  t.strictSame(parse(`${folder}/config.yml`), { blank_issues_enabled: true })
})

t.test('pages for contributors — name scripts — that exist', async t => {
  for (const page of [
    'AGENTS.md',
    'CONTRIBUTING.md',
    'README.md',
    'RELEASING.md',
    '.github/pull_request_template.md',
  ]) {
    for (const script of scriptsIn(read(page))) t.ok(script in manifest.scripts, `${page}: npm run ${script}`)
  }
})

t.test('AGENTS.md — names every folder of src', async t => {
  const [, tree = ''] = /```\n(src\/[\s\S]*?)```/.exec(read('AGENTS.md')) ?? []
  const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter(entry => entry.isDirectory())
  for (const { name } of folders) t.ok(tree.includes(` ${name}/ `), name)
  for (const [, name = ''] of tree.matchAll(/^ {4}(\w+)\//gm)) t.ok(existsSync(join(root, 'src', name)), name)
})

t.test('release notes — are the section of the version — and refuse what does not fit together', async t => {
  const changelog =
    '# Changelog\n\n## [Unreleased]\n\n- new\n\n## [1.2.0] - 2030-01-02\n\n### Added\n\n- this\n\n## [1.1.0] - 2029-01-01\n\n- old\n'
  t.equal(notesOf(changelog, '1.2.0'), '### Added\n\n- this')
  t.equal(notesOf(changelog, '1.1.0'), '- old')
  t.equal(notesOf(changelog, '1.2'), undefined)
  const own = { version: '1.2.0', repository: { url: 'git+https://github.com/someone/holdfast.git' } }
  t.strictSame(problemsOf('v1.2.0', own, changelog), [])
  t.match(problemsOf('v1.2.1', own, changelog), [/it must be v1\.2\.0/])
  t.match(problemsOf('v1.3.0', { ...own, version: '1.3.0' }, changelog), [/no text under "## \[1\.3\.0\]/])
  t.match(
    problemsOf('v1.2.0', { ...own, repository: { url: 'git+https://github.com/OWNER/holdfast.git' } }, changelog),
    [/OWNER/],
  )
})
