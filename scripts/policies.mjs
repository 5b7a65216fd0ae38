// policies.mjs: `npm run test:policies`: the tests once more under promises that are not the default.
//
//   node scripts/policies.mjs [--only once|replicated] [file or folder ...]
//
// A test that names its own --retry-policy or --ack keeps it. docs/exactly-once.md lists what differs, and why. The last
// lines are the exit code of each; its own is 1 where one is not 0.
import { parseArgs } from 'node:util'
import { exitCode, start } from './run.mjs'
import { root, SetupError, setupPackages } from './setup.mjs'

/** What the tests read (test/support/settings.ts). */
const settings = {
  once: { HOLDFAST_TEST_POLICY: 'once' },
  replicated: { HOLDFAST_TEST_POLICY: 'once', HOLDFAST_TEST_ACK: 'replicated', HOLDFAST_TEST_READS: 'committed' },
}

/** Where a Holdfast serves clients. */
const folders = ['test/wire', 'test/failover', 'test/faults', 'test/clients']

async function main(argv) {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: { only: { type: 'string' } },
  })
  const names = values.only === undefined ? Object.keys(settings) : [values.only]
  for (const name of names)
    if (!Object.hasOwn(settings, name)) {
      process.stderr.write(`--only: ${name} is none of ${Object.keys(settings).join(', ')}\n`)
      return 1
    }
  const node = setupPackages()
  const codes = []
  for (const name of names) {
    process.stdout.write(`# under ${name}: ${JSON.stringify(settings[name])}\n`)
    Object.assign(process.env, settings[name])
    const words = ['scripts/test.mjs', ...(positionals.length === 0 ? folders : positionals)]
    codes.push([name, await exitCode(start(node, words, { cwd: root }))])
  }
  for (const [name, code] of codes) process.stdout.write(`${name}: ${code}\n`)
  return codes.some(([, code]) => code !== 0) ? 1 : 0
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
