// serve.ts: the command without a name: runs the proxy until a signal stops it.
//
//   signal ─▶ delay (all as before, not ready) ─▶ grace (no new clients) ─▶ last replies ─▶ exit code 0
//   second signal ─▶ exit code 1, at once
//
// Owns: signals, and the exit codes of a running proxy. Never: knows what the proxy does, or prints a secret.
import closeWithGrace from 'close-with-grace'
import { formatAddress } from '../address.ts'
import { denyTypos } from '../config/deny-typos.ts'
import { exposures } from '../config/exposed-listeners.ts'
import { type ConfigRead, printableConfigs } from '../config.ts'
import { Bugs } from '../ops/bugs.ts'
import { writeKept } from '../ops/late-lines.ts'
import { createProgramLog, type Log, prettyFormat } from '../ops/log.ts'
import { LogOutput, standardOutput } from '../ops/log-output.ts'
import { logReload } from '../ops/reload-line.ts'
import { type Bound, createProxy, type Proxy as RunningProxy, SocketFileError, UnusableTls } from '../proxy.ts'
import { afterRunning } from '../running-time.ts'
import { bindProblem } from './bind-problem.ts'
import { yieldToMainThread } from './compile-threads.ts'
import { passSignalsOn } from './early-signals.ts'
import { compactHeap, releaseOptimizer } from './engine.ts'
import { missingFlags } from './node-flags.ts'
import { complain, packageVersion } from './output.ts'

/** --shutdown-delay and --shutdown-grace bound the stop; past this margin the proxy hangs, and the process ends. */
const STOP_MARGIN_MS = 2000
/** How long the last log lines may take; a reader that has stopped does not get them. */
const LAST_LINES_MS = 500

interface Ending {
  readonly log: Log
  readonly output: LogOutput
  readonly delayMs: number
}

/** Runs the proxy; resolves when it listens, or when it cannot. */
export async function serve({ masters: configs, afterRestart }: ConfigRead): Promise<void> {
  const [config] = configs
  const output = new LogOutput(standardOutput())
  const log = createProgramLog(config.logLevel, output, config.logPretty ? await prettyFormat() : line => line)
  log.info(
    { event: 'process.start', version: packageVersion(), pid: process.pid, config: printableConfigs(configs) },
    'the proxy starts with this configuration',
  )
  for (const exposure of exposures(configs)) log.warn(exposure)
  for (const typo of denyTypos(configs)) log.warn(typo)
  logMissingFlags(log)
  yieldToMainThread()
  try {
    const proxy = createProxy(configs, log, {
      version: packageVersion(),
      droppedLines: () => output.dropped,
      drain: () => drain(),
      afterRestart,
      onLoaded: compactHeap,
      onUsed: releaseOptimizer,
    })
    reloadOnSignal(proxy, log)
    const delayMs = config.shutdownDelayMs + config.shutdownGraceMs + STOP_MARGIN_MS
    const drain = stopOnSignal(proxy, { log, output, delayMs })
    passSignalsOn()
    log.info({ event: 'process.listening', ...placesOf(await proxy.start()) }, 'clients may connect')
  } catch (error) {
    const isTold = error instanceof SocketFileError || error instanceof UnusableTls
    const reason = isTold ? error.message : await bindProblem(error, { several: configs.length > 1 })
    if (reason === undefined) throw error
    complain(reason)
    await output.flush(LAST_LINES_MS)
    process.exit(1)
  }
}

/** For the log: where clients and people connect. With one master it has no name. */
function placesOf({ masters, admin, sentinel }: Bound): Readonly<Record<string, unknown>> {
  const places = masters.map(({ name, listen, socket, replicas, replicaSocket }) => {
    const address = listen === null ? null : formatAddress(listen)
    return {
      name,
      address,
      socket,
      ...(replicas !== null && { replicas: formatAddress(replicas) }),
      ...(replicaSocket !== null && { replicaSocket }),
    }
  })
  const [alone] = places.length === 1 ? places : []
  const { name: _, ...place } = alone ?? { name: '' }
  return {
    ...(alone ? place : { masters: places }),
    ...(admin !== null && { admin: formatAddress(admin) }),
    ...(sentinel !== null && { sentinel: formatAddress(sentinel) }),
  }
}

/** SIGHUP asks a daemon to read its files again; a terminal also sends it when it closes. */
function reloadOnSignal(proxy: RunningProxy, log: Log): void {
  const bugs = new Bugs(log, proxy.counters[0])
  process.on('SIGHUP', () => {
    proxy
      .reload()
      .then(found => logReload(log, { signal: 'SIGHUP' }, found))
      .catch(error => bugs.ofStep(error, 'SIGHUP'))
  })
}

function logMissingFlags(log: Log): void {
  const { NODE_OPTIONS } = process.env
  const flags = missingFlags(process.execArgv, NODE_OPTIONS)
  if (flags.length === 0) return
  log.warn(
    { event: 'process.node_flags', flags },
    'Node runs without these flags: beside values of 64 KB and more the longest waits are several times as long. ' +
      `Start node ${flags.join(' ')} dist/main.js`,
  )
}

/**
 * SIGTERM, SIGINT and SIGQUIT drain the proxy; an uncaught error ends at once, as no state can be trusted. Answers what
 * drains it without a signal. The first signal behind that waits for the same end: whoever asks for a drain and lets the
 * supervisor stop the process then (a preStop hook) has signalled once.
 */
function stopOnSignal(proxy: RunningProxy, { log, output, delayMs }: Ending): () => void {
  let stopping: Promise<void> | null = null
  const stop = (): Promise<void> => {
    stopping ??= proxy.stop()
    return stopping
  }
  const options: closeWithGrace.Options = {
    // It would end the process as soon as it wakes up from a standstill: `onStuck` does what this is for.
    delay: false,
    logger: false,
    // SIGHUP reloads (reloadOnSignal), SIGUSR2 belongs to debuggers, and an empty event loop is no reason to drain.
    // After the other signals the process is broken, and a handler in JavaScript may never run.
    skip: ['SIGHUP', 'SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGSEGV', 'SIGUSR2', 'beforeExit'],
    onSecondSignal: signal => log.warn({ event: 'process.abort', signal }, 'second signal: the process ends at once'),
    onSecondError: error =>
      log.fatal({ event: 'process.crash', err: error }, 'an uncaught error while stopping: the process ends'),
  }
  const onStuck = (): void => {
    log.fatal({ event: 'process.stuck', ms: delayMs }, 'the stop did not end in time: the process ends without it')
    process.exit(1)
  }
  const { close } = closeWithGrace(options, async ({ signal, err }) => {
    afterRunning(delayMs, onStuck)
    try {
      if (err !== undefined) {
        log.fatal(
          { event: 'process.crash', err },
          'an uncaught error in Holdfast: the process ends; please report this line',
        )
        return
      }
      if (signal !== undefined) log.info({ event: 'process.signal', signal }, 'a signal: the proxy stops')
      await stop()
    } catch (error) {
      log.fatal({ event: 'process.crash', err: error }, 'the stop failed: the process ends')
      throw error
    } finally {
      writeKept(log)
      await output.flush(LAST_LINES_MS)
    }
  })
  return () => {
    if (stopping !== null) return
    // Where the stop hangs, its end is awaited and told as behind a signal.
    const timer = setTimeout(close, delayMs)
    const end = (): void => {
      clearTimeout(timer)
      close()
    }
    stop().then(end, end)
  }
}
