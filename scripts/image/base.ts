// base.ts: images to build on where no registry of images can be reached: Debian with this checkout's own Node.
//
//   slim   stands in for node:24-trixie-slim: Debian's smallest system, node, npm, the user `node`
//   bare   stands in for distroless/nodejs24-debian13: node in /nodejs/bin and the libraries it is linked with; no shell
//
// They prove the Dockerfile's steps and that the program needs no more than that; they are not what is shipped.
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { output, type Store } from './store.ts'

export interface Bases {
  readonly slim: string
  readonly bare: string
}

const debian = 'localhost/holdfast-check/debian'

/** Makes both; half a minute. Needs root, Debian's archive, and npm on the PATH. */
export async function makeBases(store: Store): Promise<Bases> {
  const archive = join(store.folder, 'debian.tar')
  await output('mmdebstrap', ['--variant=minbase', '--include=ca-certificates', 'trixie', archive])
  await store.run('podman', 'import', archive, debian)
  return { slim: await makeSlim(store), bare: await makeBare(store) }
}

async function makeSlim(store: Store): Promise<string> {
  const folder = await context(store, 'slim')
  // From the registry: the npm of this machine may be spread over folders, as Debian's is.
  await output('npm', ['install', '--prefix', join(folder, 'tools'), 'npm@11'])
  const { NODE_EXTRA_CA_CERTS: ca } = process.env
  if (ca !== undefined && existsSync(ca)) copyFileSync(ca, join(folder, 'extra-ca.pem'))
  return build(store, folder, 'slim', [
    `FROM ${debian}`,
    'COPY node /usr/local/bin/node',
    'COPY tools/node_modules/npm /usr/local/lib/node_modules/npm',
    'RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm',
    'RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --create-home node',
    // A registry behind a certificate of one's own must be trusted during the build as it is on this machine.
    ...(ca !== undefined && existsSync(ca)
      ? ['COPY extra-ca.pem /etc/ssl/extra-ca.pem', 'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/extra-ca.pem']
      : []),
    'CMD ["node"]',
  ])
}

async function makeBare(store: Store): Promise<string> {
  const folder = await context(store, 'bare')
  const libraries = (await output('ldd', [join(folder, 'node')])).matchAll(/(\/\S+)\s+\(0x/g)
  const copies: string[] = []
  for (const [, path = ''] of libraries) {
    copyFileSync(path, join(folder, basename(path)))
    copies.push(`COPY ${basename(path)} ${path}`)
  }
  return build(store, folder, 'bare', [
    'FROM scratch',
    'COPY node /nodejs/bin/node',
    ...copies,
    'ENTRYPOINT ["/nodejs/bin/node"]',
  ])
}

/** A folder with the node that runs this script in it. */
async function context(store: Store, name: string): Promise<string> {
  const folder = join(store.folder, name)
  mkdirSync(folder)
  copyFileSync(process.execPath, join(folder, 'node'))
  return folder
}

async function build(store: Store, folder: string, name: string, lines: readonly string[]): Promise<string> {
  const image = `${dirname(debian)}/${name}`
  writeFileSync(join(folder, 'Containerfile'), `${lines.join('\n')}\n`)
  await store.run('buildah', 'build', '--isolation', 'chroot', '--network', 'host', '--pull=never', '-t', image, folder)
  return image
}
