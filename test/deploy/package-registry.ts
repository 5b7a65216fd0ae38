// package-registry.ts: a registry on the loopback with the production packages of this checkout, packed from
// node_modules: `npm install -g` of our own package needs no network and gets the versions that the lock file names.
import { spawnSync } from 'node:child_process'
import { cpSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { root } from './manifests.ts'

interface Teardown {
  teardown(fn: () => unknown): void
}

/** Serves until the test ends; answers its URL. `folder`: for the packed packages. */
export async function startRegistry(t: Teardown, folder: string): Promise<string> {
  const byName = Map.groupBy(productionFolders(), path => manifestOf(path).name)
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://any').pathname).slice(1)
    const [, tarball] = /^tarballs\/(\d+)$/.exec(path) ?? []
    const folders = byName.get(path)
    if (tarball !== undefined) response.end(pack(productionFolders()[Number(tarball)] ?? '', join(folder, tarball)))
    else if (folders === undefined) response.writeHead(404).end('{}')
    else response.setHeader('Content-Type', 'application/json').end(JSON.stringify(listing(path, folders, url())))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = (): string => {
    const address = server.address()
    return `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`
  }
  return url()
}

function listing(name: string, folders: readonly string[], url: string): object {
  const all = productionFolders()
  const versions = folders.map(folder => {
    const manifest = manifestOf(folder)
    return [manifest.version, { ...manifest, dist: { tarball: `${url}/tarballs/${all.indexOf(folder)}` } }] as const
  })
  return { name, 'dist-tags': { latest: versions[0]?.[0] }, versions: Object.fromEntries(versions) }
}

function pack(folder: string, to: string): Buffer {
  cpSync(join(root, folder), join(to, 'package'), { recursive: true, filter: path => !path.endsWith('/node_modules') })
  const { stdout } = spawnSync('tar', ['-czf', '-', '-C', to, 'package'], { maxBuffer: 1 << 28 })
  return stdout
}

/** What the lock file does not call a development package, as paths in the checkout. */
function productionFolders(): string[] {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; optional?: boolean; devOptional?: boolean }>
  }
  return Object.entries(packages)
    .filter(([path, { dev, optional, devOptional }]) => path !== '' && !dev && !optional && !devOptional)
    .map(([path]) => path)
}

function manifestOf(folder: string): Record<string, unknown> & { readonly name: string; readonly version: string } {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
}
