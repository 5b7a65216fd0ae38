// replies.ts: the frames of the Sentinel port's answers, in either protocol. Pure. All text has one character for each
// byte, so that what is no UTF-8 keeps its bytes.

export type Protocol = 2 | 3

/** A bulk string. */
export function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`
}

/** An array of frames. */
export function array(frames: readonly string[]): string {
  return `*${frames.length}\r\n${frames.join('')}`
}

/** Fields and their frames: a map, or under RESP2 an array of both in turns. */
export function map(protocol: Protocol, fields: readonly (readonly [name: string, frame: string])[]): string {
  const body = fields.map(([name, frame]) => bulk(name) + frame).join('')
  return protocol === 3 ? `%${fields.length}\r\n${body}` : `*${2 * fields.length}\r\n${body}`
}

/** What belongs to a subscription: a push, or under RESP2 an array. */
export function push(protocol: Protocol, frames: readonly string[]): string {
  return `${protocol === 3 ? '>' : '*'}${frames.length}\r\n${frames.join('')}`
}

export const nilArray = (protocol: Protocol): string => (protocol === 3 ? '_\r\n' : '*-1\r\n')
export const nilBulk = (protocol: Protocol): string => (protocol === 3 ? '_\r\n' : '$-1\r\n')
export const simple = (text: string): string => `+${text}\r\n`
export const integer = (value: number): string => `:${value}\r\n`

/** An error line. What a client has sent may stand in it, so it is cut and cleaned. */
export function failure(text: string): string {
  return `-${text.slice(0, 256).replace(/[^\x20-\x7e]/g, '?')}\r\n`
}
