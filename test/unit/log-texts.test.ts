// Every line of the log has a text: a person who is woken by it reads a sentence, not the name of an event.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import ts from 'typescript'
import { reasonOf } from '../../src/sentinel/ioredis-client.ts'

const src = fileURLToPath(new URL('../../src', import.meta.url))

/** Calls that write a line without a text: `log.info({ event })`, `note(draft, 'info', 'event', { fields })`. */
function silentLines(file: string, source: string): string[] {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true)
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && isLine(node.expression.getText(tree), node.arguments)) {
      const text = node.getText(tree)
      // `msg` among the fields is the text, too; what is no literal brings its own.
      const [first] = node.arguments
      const isOpen = first !== undefined && !ts.isObjectLiteralExpression(first) && node.arguments.length === 1
      const spreads = /\.\.\.effect\.fields/.test(text)
      if (!/\bmsg\b/.test(text) && !isOpen && !spreads) found.push(`${file}: ${text.replace(/\s+/g, ' ')}`)
    }
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return found
}

function isLine(callee: string, words: ts.NodeArray<ts.Expression>): boolean {
  if (callee === 'note') return words.some(ts.isStringLiteral)
  if (/imitLog\.\w+$/.test(callee)) return words.length < 3
  return /[lL]og(?:\.(?:debug|info|warn|error|fatal)|\[[^\]]+\])$/.test(callee) && words.length < 2
}

t.test('every line of the log — has a text', async t => {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'))
  const silent = files.flatMap(file => silentLines(file, readFileSync(`${src}/${file}`, 'utf8')))
  t.strictSame(silent, [])
})

t.test('silentLines — sees what it looks for', async t => {
  const seen = (source: string): number => silentLines('a.ts', source).length
  t.equal(seen(`log.warn({ event: 'a' })`), 1)
  t.equal(seen(`this.#log[level]({ event: 'a' })`), 1)
  t.equal(seen(`limitLog.warn('a', { limit: 1 })`), 1)
  t.equal(seen(`note(draft, 'warn', 'a', { sentinel })`), 1)
  t.equal(seen(`note(draft, 'warn', on ? 'a' : 'b', { sentinel })`), 1)
  t.equal(seen(`log.warn({ event: 'a' }, 'text'); log.warn(line); note(draft, 'info', 'a', { msg: texts[a] })`), 0)
})

t.test('silence of a Sentinel — is told in words for people', async t => {
  t.equal(reasonOf(new Error('Command timed out')), 'no answer in time')
  const ending = new Error("Stream isn't writeable and enableOfflineQueue options is false")
  t.equal(reasonOf(ending), 'the connection is ending')
  const silent = new Error("Socket timeout. Expecting data, but didn't receive any in 2000ms.")
  t.equal(
    reasonOf(new AggregateError([silent, new Error('connect ECONNREFUSED')])),
    'it sent nothing for 2000 ms; connect ECONNREFUSED',
  )
})
