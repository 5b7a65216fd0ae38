// tls-check.ts: checks the files that the TLS options name before anything starts, and says by option what is wrong.
// Keeps nothing: whoever uses the files reads them again, and once more when they change.
import { readTlsFiles, type TlsFiles } from '../transport/tls-files.ts'
import type { ResolvedOptions } from './resolve.ts'

const sides = ['redis-tls', 'sentinel-tls', 'listen-tls'] as const

/** `--redis-tls-ca: /etc/tls/ca.pem cannot be read: ...`, for all three sides; nothing for a side without TLS. */
export function tlsFileProblems({ values, givens }: Pick<ResolvedOptions, 'values' | 'givens'>): string[] {
  return sides.flatMap(side => {
    const file = (part: string): string | null => {
      const value = values.get(`${side}-${part}`)
      return typeof value === 'string' ? value : null
    }
    // Half a pair, or files of a side that is off, is what the rules between options report.
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
