// tls-check.ts: checks the files of the TLS options before anything starts, and says by option what is wrong.
// It keeps nothing: who uses the files reads them again, and once more after each change.
import { readTlsFiles, type TlsFiles } from '../transport/tls-files.ts'
import type { ResolvedOptions } from './resolve.ts'

const sides = ['redis-tls', 'sentinel-tls', 'listen-tls'] as const

/** Lines like `--redis-tls-ca: /etc/tls/ca.pem cannot be read: ...`, for each side with TLS. */
export function tlsFileProblems({ values, givens }: Pick<ResolvedOptions, 'values' | 'givens'>): string[] {
  return sides.flatMap(side => {
    const file = (part: string): string | null => {
      const value = values.get(`${side}-${part}`)
      return typeof value === 'string' ? value : null
    }
    // The rules between options report half a pair, and files of a side that is off.
    const half = (file('cert') === null) !== (file('key') === null)
    const on = side === 'listen-tls' ? file('cert') !== null : values.get(side) === true
    if (half || !on) return []
    const files: TlsFiles = {
      caFile: file('ca'),
      certFile: file('cert'),
      keyFile: file('key'),
      minVersion: values.get(`${side}-min-version`) === 'TLSv1.3' ? 'TLSv1.3' : 'TLSv1.2',
    }
    const read = readTlsFiles(files, Date.now())
    if ('material' in read) return []
    return read.problems.map(({ part, path, cause }) => {
      const name = `${side}-${part}`
      return `${givens.get(name)?.origin ?? `--${name}`}: ${path} ${cause}`
    })
  })
}
