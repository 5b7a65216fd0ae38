// What the files for people who deploy name is there: options of the program, files of this checkout, commands.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import t from 'tap'
import { type Table, valueNames, variableOf } from '../../src/config/option.ts'
import { options } from '../../src/config/option-table.ts'
import { root } from './manifests.ts'

const table: Table = options
const variables = valueNames(table).map(variableOf)
const flags = [...valueNames(table), 'help', 'version'].map(name => `--${name}`)

function filesUnder(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path).flatMap(name => filesUnder(join(path, name)))
}

const files = ['Dockerfile', 'docker', 'deploy', 'docs/kubernetes.md'].flatMap(path => filesUnder(join(root, path)))

/** What of `text` looks like a variable or a flag of ours and is none. A bare HOLDFAST_ is a prefix, not a name. */
function strangersIn(text: string): string[] {
  const named = text.match(/\bHOLDFAST_[A-Z0-9_]+/g) ?? []
  // A flag of ours stands in words for people as `--name` or (--name); those of other programs stand in commands.
  const flagged = [...text.matchAll(/[`(](--[a-z][a-z-]+)/g)].map(([, flag = '']) => flag)
  return [...named.filter(name => !variables.includes(name)), ...flagged.filter(flag => !flags.includes(flag))]
}

for (const file of files) {
  const name = relative(root, file)
  t.test(`${name} — names options — that the program has`, async t => {
    t.strictSame(strangersIn(readFileSync(file, 'utf8')), [])
  })
}

t.test('strangersIn — finds what is planted — a variable, a flag', async t => {
  t.strictSame(strangersIn('HOLDFAST_SENTINEL=a `--lisen`, --elsewhere HOLDFAST_MASTER (--listen)'), [
    'HOLDFAST_SENTINEL',
    '--lisen',
  ])
})

for (const page of ['docs/kubernetes.md', 'docker/README.md']) {
  t.test(`${page} — names files and links — that are there`, async t => {
    const text = readFileSync(join(root, page), 'utf8')
    const links = [...text.matchAll(/\]\(([^)#:]+)(#[^)]*)?\)/g)].map(([, path = '']) => join(dirname(page), path))
    const paths = text.match(/\b(deploy|docker|docs|src|test|scripts)\/[\w./-]*\w/g) ?? []
    t.ok(paths.length > 0, 'it names some')
    for (const path of [...links, ...paths]) t.ok(existsSync(join(root, path)), path)
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object }
    for (const [, script = ''] of text.matchAll(/npm run ([\w:]+)/g)) t.ok(script in scripts, `npm run ${script}`)
  })
}
