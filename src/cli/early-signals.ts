// early-signals.ts: signals that come while the proxy starts, before serve.ts listens to them.
//
// Nothing is served yet, so a stop is an end with exit code 0. Without this a SIGHUP would end the process, and the first
// process of a container would not hear a SIGTERM at all: the kernel drops a signal that such a process does not ask for,
// and whoever sent it waits until it kills.
const stops = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const

const leave = (): void => process.exit(0)
/** All files are still to be read. */
const goOn = (): void => {}

/** Not before the process has replaced itself (node-flags.ts): a signal that was caught, and not yet told, would be lost. */
export function mindSignals(): void {
  for (const name of stops) process.on(name, leave)
  process.on('SIGHUP', goOn)
}

/** Somebody else listens to them from here on. */
export function passSignalsOn(): void {
  for (const name of stops) process.off(name, leave)
  process.off('SIGHUP', goOn)
}
