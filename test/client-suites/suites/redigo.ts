// redigo.ts: the suite of redigo, in Go; its Debian package holds the tests.
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../../support/source-package.ts'
import { cacheFolder } from '../cache.ts'
import { readGo } from '../results.ts'
import type { Suite } from '../suite.ts'

const installed = '/usr/share/gocode/src'
const path = 'github.com/gomodule/redigo'

export const redigo: Suite = {
  name: 'redigo',
  library: () =>
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a format of dpkg-query.
    `redigo ${run('dpkg-query', ['-W', '-f', '${Version}', 'golang-github-gomodule-redigo-dev'])}`,
  layOut: folder => {
    if (!existsSync(join(installed, path))) throw new Error('golang-github-gomodule-redigo-dev is not installed')
    cpSync(installed, join(folder, 'src'), { recursive: true, dereference: true })
    const file = join(folder, 'src', path, 'redis', 'test_test.go')
    writeFileSync(file, withoutServer(readFileSync(file, 'utf8')))
    run('go', ['test', '-vet=off', '-c', '-o', join(folder, 'redigo.test'), `${path}/redis`], folder, env(folder))
  },
  command: (folder, { host, port }) => ({
    argv: [join(folder, 'redigo.test'), '-test.v', '-redis-address', host, '-redis-port', String(port)],
    env: env(folder),
  }),
  read: readGo,
}

const env = (folder: string): Record<string, string> => ({
  GOPATH: folder,
  GO111MODULE: 'off',
  GOFLAGS: '',
  // Kept: a build anew takes minutes.
  GOCACHE: join(cacheFolder, 'go'),
})

/** It starts a server for itself at its port; here one is there. */
const withoutServer = (source: string): string =>
  source.replace(/defaultServer, defaultServerErr = NewServer\([\s\S]*?"no"\)\n/, '')
