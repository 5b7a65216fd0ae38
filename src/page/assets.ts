// assets.ts: the files of the page, read once, when somebody opens it first. What is served is what was there then, also
// when the package is replaced under the running process.
//
// Beside the source they lie in src/page/browser; the bundle has them in dist/page (scripts/bundle.mjs).
// Owns: which files there are. Never: serves another file; no name that a client sends becomes a path.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Asset {
  readonly type: string
  readonly bytes: Buffer
  readonly etag: string
}

const types = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
} as const

/** Our own files below /page/, and index.html at /. */
const own = [
  'page.css',
  'main.js',
  'connection.js',
  'data.js',
  'dom.js',
  'format.js',
  'icon.svg',
  'master.js',
  'plots.js',
  'plot-table.js',
  'replicas.js',
  'settings.js',
  'stories.js',
  'tables.js',
  'verdict.js',
] as const
/** Of the package uplot. */
const packaged = { 'uplot.js': 'uPlot.esm.js', 'uplot.css': 'uPlot.min.css' } as const

/** The paths of all files. */
export const assetPaths: readonly string[] = ['/', ...[...own, ...Object.keys(packaged)].map(name => `/page/${name}`)]

const here = dirname(fileURLToPath(import.meta.url))

/** By path. @throws Error where a file is missing: the installation is broken. */
export async function readAssets(): Promise<ReadonlyMap<string, Asset>> {
  const folder = [join(here, 'browser'), join(here, 'page')].find(existsSync) ?? here
  const uplot = join(dirname(createRequire(import.meta.url).resolve('uplot/package.json')), 'dist')
  const files = [
    ['/', join(folder, 'index.html')],
    ...own.map(name => [`/page/${name}`, join(folder, name)]),
    ...Object.entries(packaged).map(([name, file]) => [`/page/${name}`, join(uplot, file)]),
  ] as [path: string, file: string][]
  return new Map(await Promise.all(files.map(async ([path, file]) => [path, await readAsset(file)] as const)))
}

async function readAsset(file: string): Promise<Asset> {
  const bytes = await readFile(file)
  const type = types[file.slice(file.lastIndexOf('.') + 1) as keyof typeof types]
  return { type, bytes, etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"` }
}
