// The page for people in trouble names every error text of ours and every event that is logged as a warning or worse;
// and what pages refer to (pages, headings, files, options) is there.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import ts from 'typescript'
import { options } from '../../src/config/option-table.ts'
import { asks } from '../../src/control/protocol.ts'
import { deniedReply, errors, frameTimeoutReply, protocolError, undecidedReply } from '../../src/errors.ts'
import { clients } from '../clients/clients.ts'
import { faults } from '../faults/faults.ts'
import { loads } from '../faults/loads.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(`${root}/docs/troubleshooting.md`, 'utf8')
const routine = ['info', 'debug', 'trace']

/**
 * Events of one file that are not surely routine: a level that is computed counts as serious, unless all it can be is
 * not.
 */
function seriousEvents(file: string, source: string): string[] {
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAssignment(node) && node.name.getText(tree) === 'event') {
      if (!routine.includes(levelAround(node))) found.push(...stringsIn(node.initializer))
    }
    if (ts.isCallExpression(node) && node.expression.getText(tree) === 'note') {
      const [, level, event] = node.arguments
      const levels = level ? stringsIn(level) : []
      if (event && !levels.every(one => routine.includes(one))) found.push(...stringsIn(event))
    }
    // limitLog.warn('event', { fields }, 'text')
    if (ts.isCallExpression(node) && /(?:^|\.)limitLog\.warn$/.test(node.expression.getText(tree))) {
      found.push(...node.arguments.slice(0, 1).flatMap(stringsIn))
    }
    ts.forEachChild(node, visit)
  }
  /** The method that the object literal with the event is given to: `warn` of `log.warn({ event: ... })`. */
  const levelAround = (node: ts.PropertyAssignment): string => {
    const call = node.parent.parent
    if (!ts.isCallExpression(call)) return ''
    if (ts.isElementAccessExpression(call.expression)) return computedLevel(call)
    return ts.isPropertyAccessExpression(call.expression) ? call.expression.name.text : ''
  }
  /** `log[level](...)`: the strings that `const level = ...` in front of it chooses from. */
  const computedLevel = (call: ts.CallExpression): string => {
    let level = ''
    const look = (node: ts.Node): void => {
      if (
        ts.isVariableDeclaration(node) &&
        node.name.getText(tree) === 'level' &&
        node.initializer &&
        node.pos < call.pos
      ) {
        level = stringsIn(node.initializer).every(one => routine.includes(one)) ? 'info' : ''
      }
      ts.forEachChild(node, look)
    }
    look(tree)
    return level
  }
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true)
  visit(tree)
  return found
}

function stringsIn(node: ts.Node): string[] {
  if (ts.isStringLiteral(node)) return [node.text]
  if (ts.isConditionalExpression(node)) return [...stringsIn(node.whenTrue), ...stringsIn(node.whenFalse)]
  return []
}

function sourceFiles(): string[] {
  const files = readdirSync(`${root}/src`, { recursive: true, encoding: 'utf8' })
  return files.filter(file => file.endsWith('.ts'))
}

t.test('docs/troubleshooting.md — names every event that is logged as a warning or worse', async t => {
  const events = sourceFiles().flatMap(file => seriousEvents(file, readFileSync(`${root}/src/${file}`, 'utf8')))
  t.ok(events.length > 20, 'they were found')
  const missing = [...new Set(events)].filter(event => !page.includes(`\`${event}\``))
  t.strictSame(missing, [], 'add a row with cause and remedy')
})

t.test('docs/troubleshooting.md — names every error text that clients can get', async t => {
  const texts = Object.values(errors).map(({ reply }) => reply.toString('utf8').slice(1).trimEnd())
  const made = [deniedReply('X'), undecidedReply('X'), protocolError('...'), frameTimeoutReply(0)].map(reply =>
    reply.toString('utf8').slice(1).trimEnd().replace('0 ms', 'N ms'),
  )
  const missing = [...texts, ...made].filter(text => !page.includes(`\`${text}\``))
  t.strictSame(missing, [], 'add a row with cause and remedy')
})

t.test('docs/control.md — names everything that can be asked', async t => {
  const text = readFileSync(`${root}/docs/control.md`, 'utf8')
  const [sentence = ''] = /^`ask` is [^.]*\./m.exec(text) ?? []
  t.strictSame(
    asks.filter(ask => !sentence.includes(`\`${ask}\``)),
    [],
    sentence,
  )
})

t.test('seriousEvents — sees what it looks for', async t => {
  const source = `
    log.info({ event: 'a' })
    log.warn({ event: 'b', x: 1 }, 'text')
    this.#log.error({ event: 'c' })
    const level = x ? 'info' : 'debug'
    log[level]({ event: 'd' })
    const fields = { event: 'e' }
    note(draft, 'warn', on ? 'f' : 'g', {})
    note(draft, 'info', 'h', {})
    host.limitLog.warn('j', {}, 'text')
    note(draft, late ? 'warn' : 'info', 'i', {})
  `
  t.strictSame(seriousEvents('x.ts', source), ['b', 'c', 'e', 'f', 'g', 'j', 'i'])
})

/** Every page of the project that is written for people. */
function pages(): string[] {
  const folders = ['', 'docs', 'docs/decisions', 'bench', 'deploy/observability']
  return folders.flatMap(folder => {
    const names = existsSync(join(root, folder)) ? readdirSync(join(root, folder)) : []
    return names.filter(name => name.endsWith('.md')).map(name => join(folder, name))
  })
}

/** Headings as GitHub makes anchors of them. */
function anchorsOf(text: string): string[] {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(match => match[1] ?? '')
  return headings.map(heading =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

t.test('pages — every link to a file and to a heading leads somewhere', async t => {
  const wrong: string[] = []
  let links = 0
  for (const page of pages()) {
    const text = readFileSync(join(root, page), 'utf8')
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      links++
      const [file = '', anchor] = target.split('#')
      const path = file === '' ? page : join(dirname(page), file)
      if (!existsSync(join(root, path))) wrong.push(`${page}: ${target}: there is no ${path}`)
      else if (anchor && !anchorsOf(readFileSync(join(root, path), 'utf8')).includes(anchor))
        wrong.push(`${page}: ${target}: no such heading`)
    }
  }
  t.ok(links > 10, 'they were found')
  t.strictSame(wrong, [])
})

t.test('pages — every file of the project they name in backticks is there', async t => {
  const wrong: string[] = []
  for (const page of pages()) {
    const text = readFileSync(join(root, page), 'utf8')
    for (const [, path = ''] of text.matchAll(/`((?:docs|src|deploy|docker|scripts|bench)\/[\w./-]*)`/g))
      if (!existsSync(join(root, path))) wrong.push(`${page}: ${path}`)
  }
  t.strictSame(wrong, [])
})

t.test('pages — every option they name exists', async t => {
  const known = new Set<string>(Object.keys(options))
  // Of other programs, of commands, and of the scripts of this project.
  const others =
    /^(?:for|max|timeout|foreground|ignore-blocked|hold|set|keep|failover|memory|steady-minutes|tail|syscalls|cores|idle|predixy|json|help|version|only|merge|rounds|seed|minutes|cells|clients|jobs|with|server|policy|table|list|json|force|max-lag|count|plain-every|record|kills|load|freezes|cuts|out|sidecars|triggers|failovers|faults|page|flavour|import|enable-source-maps|single-threaded-gc|max-semi-space-size)$/
  const wrong: string[] = []
  for (const page of pages().filter(page => page.startsWith('docs/') && !page.includes('decisions'))) {
    const text = readFileSync(join(root, page), 'utf8')
    for (const [, name = ''] of text.matchAll(/(?<![\w-])--([a-z][a-z-]+[a-z])(?![\w*-])/g))
      if (!known.has(name.replace(/-file$/, '')) && !known.has(name) && !others.test(name))
        wrong.push(`${page}: --${name}`)
  }
  t.strictSame(wrong, [])
})

t.test('docs/ARCHITECTURE.md — the way of a plain GET — each file has its function', async t => {
  const page = readFileSync(`${root}/docs/ARCHITECTURE.md`, 'utf8')
  const rows = [...page.matchAll(/^\| [^|]+ \| `(src\/[^`]+\.ts)` \| `(#?\w+)` \|$/gm)]
  t.ok(rows.length > 10, 'they were found')
  for (const [, file = '', name = ''] of rows) {
    const isThere = new RegExp(`^ *(?:export function |readonly )?${name}(?:<[^>]*>)?(?:\\(| = \\()`, 'm')
    t.match(readFileSync(`${root}/${file}`, 'utf8'), isThere, `${file} has ${name}`)
  }
})

/** By their names, as the page has them that `npm run metrics` writes. */
const metrics = [...readFileSync(`${root}/docs/metrics.md`, 'utf8').matchAll(/^\| `(holdfast_\w+)` \|/gm)].map(
  ([, name = '']) => name,
)

t.test('pages, dashboard and alerts — every metric they name exists', async t => {
  t.ok(metrics.length > 50, 'they were found')
  // A name may stand for all that begin with it, and a histogram has three.
  const isKnown = (name: string): boolean =>
    metrics.some(one => one === name.replace(/_(bucket|sum|count)$/, '') || one.startsWith(`${name}_`))
  const others = ['dashboard.json', 'alerts.yaml'].map(file => join('deploy/observability', file))
  const wrong: string[] = []
  for (const page of [...pages(), ...others])
    for (const [name] of readFileSync(join(root, page), 'utf8').matchAll(/\bholdfast_[a-z0-9_]+[a-z0-9]/g))
      if (!isKnown(name)) wrong.push(`${page}: ${name}`)
  t.strictSame(wrong, [])
})

t.test('pages — what stands in brackets behind an option is its default', async t => {
  const rows = readFileSync(`${root}/docs/options.md`, 'utf8').matchAll(
    /^\| `--([a-z-]+)[^|]*(?:\\\|[^|]*)*\| `([^`]+)`/gm,
  )
  const defaults = new Map([...rows].map(([, name = '', value = '']) => [name, value]))
  const wrong: string[] = []
  let found = 0
  for (const page of pages()) {
    const text = readFileSync(join(root, page), 'utf8')
    for (const [, name = '', value = ''] of text.matchAll(/`--([a-z-]+)`\s+\((\d+(?: (?:ms|s|m|h|KB|MB|GB))?)[,)]/g)) {
      if (!defaults.has(name)) continue
      found++
      if (defaults.get(name) !== value.replace(' ', '').toLowerCase()) wrong.push(`${page}: --${name} (${value})`)
    }
  }
  t.ok(found > 10, 'they were found')
  t.strictSame(wrong, [])
})

t.test('docs/troubleshooting.md — every event that it explains is one of the program', async t => {
  const events = [
    ...page.matchAll(/^\| (`[a-z]+\.[a-z_]+`(?:, `[a-z]+\.[a-z_]+`)*) \| (?:error|fatal|warn)/gm),
  ].flatMap(([, cell = '']) => cell.split(', ').map(one => one.slice(1, -1)))
  t.ok(events.length > 30, 'they were found')
  const source = sourceFiles().map(file => readFileSync(`${root}/src/${file}`, 'utf8'))
  const gone = events.filter(event => !source.some(text => text.includes(`'${event}'`)))
  t.strictSame(gone, [])
})

t.test('README.md — how many faults, loads, clients and languages — as many as the tables have', async t => {
  const numbers = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten']
  const readme = readFileSync(`${root}/README.md`, 'utf8').replace(/\s+/g, ' ')
  const languages = new Set(clients.map(({ language }) => language))
  t.match(readme, `makes ${faults.length} faults against real servers`)
  t.match(readme, `under ${numbers[loads.length]} kinds of load`)
  t.match(readme, `runs ${clients.length} unmodified clients in ${numbers[languages.size]} languages`)
})
