// resp-encoder.ts: the bytes of replies, for servers that a test plays. Pure; strings of latin1-safe text in and out.
// RESP2 or RESP3 is the caller's choice, because a connection's protocol decides the shape of maps, pushes and nulls.

export type Protocol = 2 | 3

export function simple(text: string): string {
  return `+${text}\r\n`
}

/** `text` begins with the code: 'ERR no such thing'. */
export function failure(text: string): string {
  return `-${text}\r\n`
}

export function integer(n: number | bigint): string {
  return `:${n}\r\n`
}

export function bulk(text: string | number): string {
  const value = String(text)
  return `$${Buffer.byteLength(value)}\r\n${value}\r\n`
}

/** The items are encoded already. */
export function array(items: readonly string[]): string {
  return `*${items.length}\r\n${items.join('')}`
}

/** All items as bulk strings. */
export function bulks(items: readonly (string | number)[]): string {
  return array(items.map(bulk))
}

/** Values are encoded already; a flat array under RESP2. */
export function map(protocol: Protocol, entries: readonly (readonly [string, string])[]): string {
  const body = entries.map(([key, value]) => bulk(key) + value).join('')
  return protocol === 3 ? `%${entries.length}\r\n${body}` : `*${entries.length * 2}\r\n${body}`
}

/** Out-of-band data; an ordinary array under RESP2. */
export function push(protocol: Protocol, items: readonly string[]): string {
  return `${protocol === 3 ? '>' : '*'}${items.length}\r\n${items.join('')}`
}

export function nil(protocol: Protocol): string {
  return protocol === 3 ? '_\r\n' : '$-1\r\n'
}

export function nilArray(protocol: Protocol): string {
  return protocol === 3 ? '_\r\n' : '*-1\r\n'
}
