// demo.mjs: `npm run demo`: a real failover to watch, in one command on a fresh machine.
//
//   node scripts/demo.mjs [--once] [--log FILE]
//
// Reads the options, installs what is missing, then hands over to scripts/demo/main.ts under this checkout's own Node.
// Plain JavaScript, as nothing else may be there yet. Starts and ends no server itself.
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { exitCode, start } from './run.mjs'
import { root, SetupError, setup } from './setup.mjs'

const help = `npm run demo [-- options]        a Redis failover behind Holdfast, live in this terminal

Starts a Redis master, two replicas and three Sentinels on free ports of 127.0.0.1, Holdfast in front of them, and 20
clients that write through it without pause. Then the master fails, as often as you like, and you see what the clients
see, here and in a browser: the address of Holdfast's page is shown. So is the command by which an operator changes its
master: run it, or drill, in another terminal. All of it is gone when the demo ends; a Redis of your own is never touched.

  k  kill -9 the master        p  planned failover        s  stop the master (SIGSTOP)        q  quit

  --once       without keys: one kill -9 and one planned failover, each with a report. The default where there is no
               terminal. The exit code is 0 only if no client saw an error and the planned failover lost nothing.
  --log FILE   keep the JSON log of Holdfast in FILE
  --help       this text
`

function readOptions() {
  try {
    const options = { once: { type: 'boolean' }, log: { type: 'string' }, help: { type: 'boolean', short: 'h' } }
    return parseArgs({ options }).values
  } catch (error) {
    process.stderr.write(`demo: ${error.message}; see npm run demo -- --help\n`)
    process.exit(2)
  }
}

const { once = false, log, help: asked } = readOptions()
if (asked) {
  process.stdout.write(help)
} else {
  try {
    const node = await setup()
    const words = [
      join(root, 'scripts/demo/main.ts'),
      ...(once ? ['--once'] : []),
      ...(log ? ['--log', resolve(log)] : []),
    ]
    // Over the channel the demo learns when this process is gone, however it ended, and cleans up then too.
    process.exitCode = await exitCode(
      start(node, words, { cwd: root, stdio: ['inherit', 'inherit', 'inherit', 'ipc'] }),
    )
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    process.stderr.write(`setup: ${error.message}\n`)
    process.exitCode = 1
  }
}
