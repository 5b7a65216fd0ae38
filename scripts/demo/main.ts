// main.ts: the demo's edge: which mode, signals, the exit code, and that nothing is left behind.
//
// Every way out goes through one `finally`: q, the end of --once, a signal, a failure, the death of the program that
// started this. What even that cannot reach (a crash, SIGKILL) is covered by the list of pids and folders that a
// process of its own keeps. Never: knows how a failover is made or judged.
import { constants } from 'node:os'
import { parseArgs } from 'node:util'
import { onExcuse } from '../../test/support/pace.ts'
import { runLive } from './live.ts'
import { runOnce } from './once.ts'
import { createStory } from './story.ts'
import { startWorld, type World } from './world.ts'

const endLimitMs = 8000

const { values: options } = parseArgs({ options: { once: { type: 'boolean' }, log: { type: 'string' } } })
const live = options.once !== true && process.stdin.isTTY === true && process.stdout.isTTY === true
const over = new AbortController()
const interrupted = untilInterrupted()
const story = createStory()
// What makes a wait longer than it should be is a part of the story, told once until something else is the reason.
let lastExcuse = ''
onExcuse(why => {
  if (why !== lastExcuse) story.say(why)
  lastExcuse = why
})
if (!live) process.stdout.write('Starting a Redis master, two replicas, three Sentinels and Holdfast ...\n')
const starting = startWorld({ story, signal: over.signal, logFile: options.log ?? null })
let code = 1
try {
  code = await Promise.race([play(starting), interrupted])
} catch (error) {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`)
} finally {
  over.abort()
  await ended(starting)
}
process.exit(code)

/** The exit code of an undisturbed run. Fails as soon as Holdfast itself ends. */
async function play(starting: Promise<World>): Promise<number> {
  const world = await starting
  const mode = live ? runLive(world).then(() => 0) : runOnce(world, printLine).then(held => (held ? 0 : 1))
  return Promise.race([mode, world.broken])
}

function printLine(text: string): void {
  process.stdout.write(`${text}\n`)
}

/**
 * Answers with the exit code that shells give a program ended by the signal. Further signals change nothing: the end is
 * bounded.
 */
function untilInterrupted(): Promise<number> {
  return new Promise(resolve => {
    const leave = (name: 'SIGINT' | 'SIGTERM' | 'SIGHUP'): void => {
      over.abort()
      resolve(128 + constants.signals[name])
    }
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => leave(name))
    process.on('disconnect', () => leave('SIGHUP'))
  })
}

/** Ends the world, also one that is still being started. */
async function ended(starting: Promise<World>): Promise<void> {
  const end = starting.then(
    world => world.stop(),
    () => {},
  )
  const limit = Promise.withResolvers<void>()
  const timer = setTimeout(limit.resolve, endLimitMs)
  await Promise.race([end, limit.promise]).catch(() => {})
  clearTimeout(timer)
}
