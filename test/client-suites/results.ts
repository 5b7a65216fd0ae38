// results.ts: what the suites print, as results. Pure; one reader for each format.
import type { Result } from './suite.ts'

/** `ok 3 - name`, `not ok 4 - name` with its cause in `# ` lines behind it: the exercises of this folder. */
export function readTap(text: string): Result[] {
  const results: Result[] = []
  for (const line of text.split('\n')) {
    const [, not, test] = /^(not )?ok \d+ - (.*)$/.exec(line) ?? []
    if (test !== undefined) results.push({ test, verdict: not ? 'failed' : 'passed', cause: '' })
    else if (line.startsWith('# ')) addCause(results, line.slice(2))
  }
  return results
}

const verdicts = { PASSED: 'passed', FAILED: 'failed', SKIPPED: 'skipped' } as const
const isVerdict = (word: string | undefined): word is keyof typeof verdicts => word !== undefined && word in verdicts

/**
 * `#12 name: PASSED` of hiredis. It runs the same tests by TCP, by a Unix socket and by an inherited descriptor; what
 * the last headline said is part of a name. The numbers are not: they shift when a test is skipped.
 */
export function readHiredis(text: string): Result[] {
  const results: Result[] = []
  let by = ''
  for (const line of text.split('\n')) {
    const [, headline] = /^Testing against (.*):$/.exec(line) ?? []
    by = headline?.replace(/ \(.*\)$/, '') ?? by
    const [, test, word] = /^#\d+ (.*): .*?(PASSED|FAILED|SKIPPED)/.exec(line) ?? []
    if (isVerdict(word)) results.push({ test: `${by ? `${by}: ` : ''}${test}`, verdict: verdicts[word], cause: '' })
  }
  return results
}

/**
 * `testName [PASSED]` of phpredis; PHP's warnings may stand between the two. What it says of failures is behind all of
 * it.
 */
export function readPhpredis(text: string): Result[] {
  const results: Result[] = []
  let test = ''
  for (const line of text.split('\n')) {
    test = /^(test\w+) /.exec(line)?.[1] ?? test
    const [, word] = /\[(PASSED|FAILED|SKIPPED)\]$/.exec(line) ?? []
    if (!isVerdict(word) || test === '') continue
    results.push({ test, verdict: verdicts[word], cause: word === 'FAILED' ? causeOf(text, test) : '' })
    test = ''
  }
  return results
}

const causeOf = (text: string, test: string): string =>
  text
    .split('\n')
    .filter(line => line.startsWith(`Assertion failed: ${test} `) || line.startsWith(`Uncaught exception '${test}'`))
    .join('\n')

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&', '#10': '\n' }
const unescaped = (text: string): string =>
  text.replace(/&(lt|gt|quot|apos|amp|#10);/g, (_, name) => entities[name] ?? '')

/** The report in JUnit's format that PHPUnit writes. */
export function readJunit(text: string): Result[] {
  return [...text.matchAll(/<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)].map(
    ([, attributes = '', body = '']) => {
      const attribute = (name: string): string =>
        unescaped(new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? '')
      const [, bad, cause = ''] = /<(failure|error)[^>]*>([\s\S]*?)<\/\1>/.exec(body) ?? []
      const verdict = bad ? 'failed' : /<skipped/.test(body) ? 'skipped' : 'passed'
      const owner = attribute('class').split('\\').at(-1)
      return { test: `${owner}::${attribute('name')}`, verdict, cause: unescaped(cause).trim() }
    },
  )
}

/** `--- PASS: TestName (0.01s)` of `go test -v`, subtests too; what a test had printed stands before it. */
export function readGo(text: string): Result[] {
  const words = { PASS: 'passed', FAIL: 'failed', SKIP: 'skipped' } as const
  const results: Result[] = []
  for (const line of text.split('\n')) {
    const [, word, test = ''] = /^\s*--- (PASS|FAIL|SKIP): (\S+) \(/.exec(line) ?? []
    if (word === 'PASS' || word === 'FAIL' || word === 'SKIP') results.push({ test, verdict: words[word], cause: '' })
    else if (/^\s+\S+_test\.go:\d+:/.test(line)) addCause(results, line.trim())
  }
  return results
}

/** Adds a line to what the last result says, if it failed. */
function addCause(results: Result[], line: string): void {
  const last = results.at(-1)
  if (last?.verdict !== 'failed') return
  results[results.length - 1] = { ...last, cause: last.cause === '' ? line : `${last.cause}\n${line}` }
}
