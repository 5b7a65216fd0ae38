// tls-scene.ts: certificates of one CA for every side of a test, and the options that make servers, Holdfast and
// clients use them.

import { readFileSync } from 'node:fs'
import { Authority, type CertificateFiles } from './certificates.ts'
import type { Teardown } from './fake-redis.ts'
import { makeFolder, removeFolder } from './servers.ts'

export class TlsScene {
  readonly dir: string
  readonly authority: Authority
  /** Of the servers, of Holdfast towards servers, of Holdfast towards clients, of clients. */
  readonly server: CertificateFiles
  readonly own: CertificateFiles
  readonly listen: CertificateFiles
  readonly client: CertificateFiles

  private constructor(dir: string) {
    this.dir = dir
    this.authority = new Authority(dir)
    this.server = this.authority.issue('server')
    this.own = this.authority.issue('own')
    this.listen = this.authority.issue('listen')
    this.client = this.authority.issue('client')
  }

  /** Made once per test; the folder goes with it. */
  static async make(t: Teardown): Promise<TlsScene> {
    const dir = await makeFolder()
    t.teardown(() => removeFolder(dir))
    return new TlsScene(dir)
  }

  /** For SentinelSet and startServer. `auth` no: servers want no certificate from whoever connects. */
  serverOptions({ auth = 'yes', files = this.server }: { auth?: 'yes' | 'no'; files?: CertificateFiles } = {}) {
    const config = [
      `tls-cert-file ${files.cert}`,
      `tls-key-file ${files.key}`,
      `tls-ca-cert-file ${this.authority.ca}`,
      `tls-auth-clients ${auth}`,
    ]
    return { config, client: this.clientOptions(this.own) }
  }

  /** For tls.connect and every client library. */
  clientOptions(files: CertificateFiles | null = null) {
    return {
      ca: readFileSync(this.authority.ca),
      ...(files && { cert: readFileSync(files.cert), key: readFileSync(files.key) }),
    }
  }

  /** Options of Holdfast for the sides named. */
  holdfast(...sides: ('redis' | 'sentinel' | 'listen' | 'mutual')[]): Record<string, string> {
    const options: Record<string, string> = {}
    for (const side of sides) {
      if (side === 'mutual') options['listen-tls-ca'] = this.authority.ca
      else {
        const files = side === 'listen' ? this.listen : this.own
        options[`${side}-tls-cert`] = files.cert
        options[`${side}-tls-key`] = files.key
        if (side !== 'listen') Object.assign(options, { [`${side}-tls`]: 'on', [`${side}-tls-ca`]: this.authority.ca })
      }
    }
    return options
  }
}
