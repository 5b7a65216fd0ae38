// frame-offsets.ts: where things stand in one frame that the scanner has found the end of. Pure.

const CR = 13

/**
 * Where a command's name stands: behind the second header's '\r', and the byte after each that may be any; -1: not in
 * `frame`.
 */
export function nameStartOf(frame: Buffer): number {
  const first = frame.indexOf(CR)
  const second = first < 0 ? -1 : frame.indexOf(CR, first + 2)
  return second < 0 ? -1 : second + 2
}

/** A browser tricked into talking to the port begins so; the server hangs up on it (server.c, processCommand). */
export function isAttack(command: Buffer, start: number, length: number): boolean {
  return length <= 5 && /^(?:post|host:)$/i.test(command.toString('latin1', start, start + length))
}

/** An inline command without its line end: '\n', and a '\r' before it. */
export function inlineLine(frame: Buffer): Buffer {
  const end = frame.length - 1
  return frame.subarray(0, frame[end - 1] === CR ? end - 1 : end)
}
