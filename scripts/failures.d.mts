import type { Readable } from 'node:stream'

export function readFailures(stream: Readable): Promise<string[]>
