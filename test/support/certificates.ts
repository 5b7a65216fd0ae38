// certificates.ts: a certificate authority and the certificates it signs, made with openssl in a folder of the test.
//
// Owns: the files it writes. Never: writes outside of the given folder, uses a key twice for two certificates.
import { execFileSync } from 'node:child_process'
import { copyFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Names of PEM files. */
export interface CertificateFiles {
  readonly cert: string
  readonly key: string
}

export interface CertificateOptions {
  /** subjectAltName; `DNS:localhost,IP:127.0.0.1,IP:::1` where not given. */
  readonly names?: string
  /** Days from now; -1 has expired yesterday. 30 */
  readonly days?: number
  /** rsa:512 is one that every OpenSSL refuses to use; Node 22 still takes 1024 bits. ec where not given. */
  readonly key?: 'ec' | 'rsa:512'
}

export class Authority {
  /** The CA's certificate. */
  readonly ca: string
  readonly #key: string
  readonly #dir: string

  /** Makes a CA of this name in the folder. */
  constructor(dir: string, name = 'ca') {
    this.#dir = dir
    this.ca = join(dir, `${name}.pem`)
    this.#key = join(dir, `${name}-key.pem`)
    openssl([
      ...['req', '-x509', ...newKey('ec'), '-keyout', this.#key, '-out', this.ca, '-days', '30'],
      ...['-subj', `/CN=Test ${name}`, '-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
    ])
  }

  /** A certificate `NAME.pem` with its key `NAME-key.pem`. */
  issue(name: string, options: CertificateOptions = {}): CertificateFiles {
    const files = { cert: join(this.#dir, `${name}.pem`), key: join(this.#dir, `${name}-key.pem`) }
    const { names = 'DNS:localhost,IP:127.0.0.1,IP:::1', days = 30 } = options
    const request = [
      ...[...newKey(options.key ?? 'ec'), '-keyout', files.key, '-subj', `/CN=${name}`],
      ...['-addext', `subjectAltName=${names}`, '-addext', 'basicConstraints=critical,CA:FALSE'],
    ]
    if (days > 0) {
      const by = ['-CA', this.ca, '-CAkey', this.#key, '-days', String(days)]
      openssl(['req', '-x509', ...request, '-out', files.cert, ...by])
    } else this.#issueExpired(request, files.cert, days)
    return files
  }

  /** `openssl ca` dates a certificate back in every version; `req -not_before` came with OpenSSL 3.4. */
  #issueExpired(request: readonly string[], cert: string, days: number): void {
    const [asked, config] = [`${cert}.csr`, `${cert}.cnf`]
    openssl(['req', '-new', ...request, '-out', asked])
    writeFileSync(`${cert}.index`, '')
    writeFileSync(
      config,
      [
        '[ca]',
        'default_ca=test',
        '[test]',
        `database=${cert}.index`,
        `new_certs_dir=${this.#dir}`,
        'default_md=sha256',
        'rand_serial=yes',
        'policy=any',
        'copy_extensions=copy',
        '[any]',
        'commonName=supplied',
      ].join('\n'),
    )
    const dates = ['-startdate', stamp(days - 10), '-enddate', stamp(days)]
    const by = ['-cert', this.ca, '-keyfile', this.#key]
    openssl(['ca', '-batch', '-notext', '-config', config, ...by, '-in', asked, '-out', cert, ...dates])
  }
}

/** Puts a certificate and its key where another pair is, each file in one step, as a careful operator does. */
export function replaceFiles(from: CertificateFiles, to: CertificateFiles): void {
  for (const part of ['cert', 'key'] as const) {
    copyFileSync(from[part], `${to[part]}.new`)
    renameSync(`${to[part]}.new`, to[part])
  }
}

function newKey(kind: 'ec' | 'rsa:512'): string[] {
  const key = kind === 'ec' ? ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'] : [kind]
  return ['-newkey', ...key, '-nodes']
}

/** A moment as openssl writes it, some days from now. */
function stamp(days: number): string {
  const at = new Date(Date.now() + days * 86_400_000).toISOString()
  return `${at.slice(0, 19).replace(/[-:T]/g, '')}Z`
}

function openssl(args: readonly string[]): void {
  try {
    execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (missing) throw new Error('openssl is not on PATH: apt-get install openssl, or brew install openssl')
    throw error
  }
}
