// preload.ts: brings the server to the state a case starts from, directly and not through a target.

import type { Preload } from '../cases.ts'
import { ask } from './client.ts'

const bytesAtOnce = 4 * 1_024 * 1_024

export async function preload(serverPort: number, wanted: Preload): Promise<void> {
  await ask(serverPort, [['FLUSHALL']])
  const value = Buffer.alloc(wanted.valueBytes, 'x')
  const step = Math.max(1, Math.floor(bytesAtOnce / wanted.valueBytes))
  for (let first = 0; first < wanted.keys; first += step) {
    const count = Math.min(step, wanted.keys - first)
    await ask(
      serverPort,
      Array.from({ length: count }, (_, n) => ['SET', keyName(first + n), value]),
    )
  }
  if (wanted.listElements > 0) {
    await ask(serverPort, [['RPUSH', 'bench:list', ...Array<Buffer>(wanted.listElements).fill(Buffer.alloc(64, 'x'))]])
  }
}

/** As redis-benchmark writes __rand_int__: twelve digits. */
export function keyName(n: number): string {
  return `key:${String(n).padStart(12, '0')}`
}
