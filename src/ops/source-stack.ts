// source-stack.ts: says of a stack where in src/ it was, by the maps beside the bundled files.
//
//   at Lane.submit (/app/dist/serve.js:4711:13)   ▶   at Lane.submit (src/relay/lane.ts:121:9)
//
// Node's own --enable-source-maps does it too, but reads all maps at the start: 8 MB and 100 ms for what is rarely wanted.
// Here a map is read when the first exception is logged. Never: throws; without a map a place stays as it is.
import { readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where this file is, and in the bundle all others too. */
const own = dirname(fileURLToPath(import.meta.url))
const maps = new Map<string, SourceMap | null>()

/** The stack with the places of our own files as they are in src/. */
export function sourceStack(stack: string): string {
  return stack.replace(/(?:file:\/\/)?(\/[^\s()]+\.js):(\d+):(\d+)/g, (place, file: string, line, column) => {
    return dirname(file) === own ? (sourcePlace(file, Number(line), Number(column)) ?? place) : place
  })
}

function sourcePlace(file: string, line: number, column: number): string | undefined {
  const origin = mapOf(file)?.findOrigin(line, column)
  if (origin === undefined || !('fileName' in origin)) return undefined
  return `${origin.fileName.replace(/^(\.\.\/)+/, '')}:${origin.lineNumber}:${origin.columnNumber}`
}

function mapOf(file: string): SourceMap | null {
  const known = maps.get(file)
  if (known !== undefined) return known
  const map = readMap(`${file}.map`)
  maps.set(file, map)
  return map
}

function readMap(path: string): SourceMap | null {
  try {
    return new SourceMap(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return null
  }
}
