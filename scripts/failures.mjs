// failures.mjs: what failed in a run of tap: each failing assertion with the tests it stands in and tap's report of
// it.
//
// A run prints tens of thousands of lines; who reads its end, a log cut to its last page for one, must see what failed.

/**
 * Reads the TAP text of a run from `stream` to its end.
 * @returns {Promise<string[]>} a text of some lines for each failure, in the order in which they happened
 */
export async function readFailures(stream) {
  // A package: there only once the set-up is done.
  const { Parser } = await import('tap-parser')
  const failures = []
  const parser = new Parser()
  follow(parser, failures)
  await new Promise(resolve => {
    parser.once('complete', resolve)
    stream.on('data', text => parser.write(text))
    stream.once('end', () => parser.end())
  })
  return failures
}

// A test fails with the assertions in it: it is told of itself only where none of them failed, as at a time limit.
function follow(parser, failures) {
  let before = failures.length
  parser.on('child', child => {
    before = failures.length
    follow(child, failures)
  })
  parser.on('assert', point => {
    if (point.ok || point.todo || point.skip) return
    if (!point.closingTestPoint || failures.length === before) failures.push(describe(point))
  })
}

function describe({ fullname, name, diag }) {
  const where = fullname.endsWith(name) ? fullname.slice(0, -name.length).replace(/[ >]+$/, '') : fullname
  const report = Object.entries(diag ?? {})
    .filter(([key]) => key !== 'source' && key !== 'at')
    .map(([key, value]) => `${key}: ${typeof value === 'string' ? value.trimEnd() : JSON.stringify(value)}`)
    .join('\n')
    .slice(0, reportLimit)
  return [`not ok: ${name}`, `in ${where || 'no test'}`, ...report.split('\n')].join('\n#   ')
}

const reportLimit = 4000
