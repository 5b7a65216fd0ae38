// stop-signal.ts: how somebody stops a command that must leave things in order.

/** Aborted by Ctrl-C, SIGTERM or SIGHUP from now on; those end the process no more by themselves. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stop.abort())
  return stop.signal
}
