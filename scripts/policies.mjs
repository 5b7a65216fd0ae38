// policies.mjs: `npm run test:policies`: the tests once more under promises that are not the default.
//
//   node scripts/policies.mjs [--only once|replicated|safe] [file, folder, faults or clients ...]
//
// Without a name: the folders below, then `faults`, the whole matrix (npm run faults), and `clients`, all libraries (npm
// run clients); some four hours on two cores. A test that names its own --retry-policy or --ack keeps it.
// docs/exactly-once.md lists what differs, and why. The last lines are the exit code of each; its own is 1 where one is
// not 0.
import { parseArgs } from 'node:util'
import { exitCode, start } from './run.mjs'
import { binEnvironment, root, SetupError, setup } from './setup.mjs'

/** What the tests read (test/support/settings.ts). */
const settings = {
  once: { HOLDFAST_TEST_POLICY: 'once' },
  replicated: { HOLDFAST_TEST_POLICY: 'once', HOLDFAST_TEST_ACK: 'replicated', HOLDFAST_TEST_READS: 'committed' },
  safe: { HOLDFAST_TEST_POLICY: 'safe' },
}

/** What runs where --only names nothing. `safe` is for test/failover, by its name; the matrix has it in any case. */
const usual = ['once', 'replicated']

/** Where a Holdfast serves clients of a master. test/replicas counts the replicas of a set, and what runs at each. */
const folders = ['test/wire', 'test/failover', 'test/faults', 'test/clients']
/** Programs besides, by the name they have here. */
const programs = ['faults', 'clients']

async function main(argv) {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: { only: { type: 'string' } },
  })
  const names = values.only === undefined ? usual : [values.only]
  for (const name of names)
    if (!Object.hasOwn(settings, name)) {
      process.stderr.write(`--only: ${name} is none of ${Object.keys(settings).join(', ')}\n`)
      return 1
    }
  const words = positionals.length === 0 ? [...folders, ...programs] : positionals
  const files = words.filter(word => !programs.includes(word))
  const node = await setup({ useful: ['valkey', ...(words.includes('clients') ? ['libraries'] : [])] })
  const run = (script, env = {}) =>
    exitCode(start(node, script, { cwd: root, env: binEnvironment({ ...process.env, ...env }) }))
  const codes = []
  for (const name of names) {
    process.stdout.write(`# under ${name}: ${JSON.stringify(settings[name])}\n`)
    if (files.length > 0) codes.push([name, await run(['scripts/test.mjs', ...files], settings[name])])
    if (words.includes('clients')) codes.push([`${name}, clients`, await run(['test/clients/run.ts'], settings[name])])
  }
  // Both at once: docs/faults.md shows them side by side.
  if (words.includes('faults'))
    codes.push([`${names}, faults`, await run(['test/faults/matrix.ts', '--policy', names.join()])])
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
