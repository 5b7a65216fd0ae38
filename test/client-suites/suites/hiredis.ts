// hiredis.ts: the suite of hiredis, in C, by TCP, by a Unix socket and by an inherited descriptor.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../../support/source-package.ts'
import { sourceOf } from '../cache.ts'
import { readHiredis } from '../results.ts'
import type { Suite } from '../suite.ts'

export const hiredis: Suite = {
  name: 'hiredis',
  library: folder => {
    const header = readFileSync(join(folder, 'hiredis.h'), 'utf8')
    return `hiredis ${['MAJOR', 'MINOR', 'PATCH'].map(part => header.match(`HIREDIS_${part} (\\d+)`)?.[1]).join('.')}`
  },
  layOut: folder => {
    sourceOf('hiredis', folder)
    const file = join(folder, 'test.c')
    writeFileSync(file, adapted(readFileSync(file, 'utf8')))
    run('make', ['-s', 'hiredis-test'], folder)
  },
  command: (folder, { host, port, socket }) => ({
    // Unbuffered: an assertion of it ends the process, and what it had printed would be lost.
    argv: ['stdbuf', '-o0', join(folder, 'hiredis-test'), '-h', host, '-p', String(port), '-s', socket],
  }),
  read: readHiredis,
}

/**
 * Two changes, for both runs. The test of a connect that times out sends to an address outside of this machine: left
 * out. The tests behind a DEBUG SLEEP of 3 s demand an answer within 10 ms; a server that was silent for more than a
 * second is asked first whether it is still the master (some milliseconds), and this machine may be busy: 500 ms.
 */
function adapted(source: string): string {
  const outside = source.lastIndexOf(
    'if (config.type == CONN_TCP',
    source.indexOf('can only be simulated with network'),
  )
  const inside = source.slice(outside).replace(/if \(config.type.*\) \{/, 'if (0) {')
  return (source.slice(0, outside) + inside).replaceAll('tv.tv_usec = 10000;', 'tv.tv_usec = 500000;')
}
