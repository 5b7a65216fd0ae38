// tls-files.ts: reads PEM files for TLS, checks each and all together, and says in words what is wrong.
//
// It runs at the start (all problems at once, by option) and when a file changes. Never: keeps anything, logs, or shows
// a byte of a key.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { readAgainSmallFile } from './read-file.ts'

export interface TlsFiles {
  readonly caFile: string | null
  readonly certFile: string | null
  readonly keyFile: string | null
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
}

export function namesOf({ caFile, certFile, keyFile }: TlsFiles): string[] {
  return [caFile, certFile, keyFile].filter(file => file !== null)
}

/** What tls.connect, tls.createServer and setSecureContext take. */
export type TlsMaterial = Readonly<Pick<SecureContextOptions, 'ca' | 'cert' | 'key' | 'minVersion'>>

/** Whether the bytes are the same: a file that was only touched changes nothing. */
export function isSameMaterial(a: TlsMaterial, b: TlsMaterial): boolean {
  return (['ca', 'cert', 'key'] as const).every(part => String(a[part] ?? '') === String(b[part] ?? ''))
}

export interface TlsProblem {
  readonly part: 'ca' | 'cert' | 'key'
  readonly path: string
  readonly cause: string
}

/** The configuration has checked the files, and they have become unusable since. The message names each and its cause. */
export class UnusableTls extends Error {
  override readonly name = 'UnusableTls'

  constructor(problems: readonly TlsProblem[]) {
    super(`TLS files that were good a moment ago cannot be used: ${problems.map(describeProblem).join('; ')}`)
  }
}

/** `/etc/tls/ca.pem holds no PEM certificate`. */
export function describeProblem({ path, cause }: TlsProblem): string {
  return `${path} ${cause}`
}

/** The material, or everything that is wrong with the files. `now`: ms since 1970. Never throws. */
export function readTlsFiles(files: TlsFiles, now: number): { material: TlsMaterial } | { problems: TlsProblem[] } {
  const problems: TlsProblem[] = []
  const ca = read('ca', files.caFile, problems)
  const cert = read('cert', files.certFile, problems)
  const key = read('key', files.keyFile, problems)
  if (ca !== null && files.caFile !== null) checkAuthorities(ca, files.caFile, { now, problems })
  const leaf =
    cert === null || files.certFile === null ? null : checkCertificate(cert, files.certFile, { now, problems })
  const secret = key === null || files.keyFile === null ? null : checkKey(key, files.keyFile, problems)
  if (leaf && secret && files.keyFile !== null && !leaf.checkPrivateKey(secret)) {
    const cause = `is not the key of the certificate in ${files.certFile}`
    problems.push({ part: 'key', path: files.keyFile, cause })
  }
  const material: TlsMaterial = {
    ...(ca !== null && { ca }),
    ...(cert !== null && { cert }),
    ...(key !== null && { key }),
    minVersion: files.minVersion,
  }
  if (problems.length === 0) problems.push(...refusedBySsl(material, files))
  return problems.length > 0 ? { problems } : { material }
}

function read(part: TlsProblem['part'], path: string | null, problems: TlsProblem[]): Buffer | null {
  if (path === null) return null
  const content = readAgainSmallFile(path)
  if ('bytes' in content) return content.bytes
  problems.push({ part, path, cause: `cannot be read: ${content.cause}` })
  return null
}

interface Check {
  readonly now: number
  readonly problems: TlsProblem[]
}

const pemCertificate = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

/** A bundle may hold expired certificates, as those of distributions do; only expired ones are a mistake. */
function checkAuthorities(pem: Buffer, path: string, { now, problems }: Check): void {
  const found = (pem.toString('latin1').match(pemCertificate) ?? []).map(parseCertificate)
  const parsed = found.filter(one => one !== null)
  const say = (cause: string): void => void problems.push({ part: 'ca', path, cause })
  if (found.length === 0) say('holds no PEM certificate')
  else if (parsed.length < found.length) say('holds a certificate that cannot be read')
  else if (parsed.every(one => Date.parse(one.validTo) <= now)) say(`expired at ${parsed[0]?.validTo}`)
}

function checkCertificate(pem: Buffer, path: string, { now, problems }: Check): X509Certificate | null {
  const say = (cause: string): null => {
    problems.push({ part: 'cert', path, cause })
    return null
  }
  const [first] = pem.toString('latin1').match(pemCertificate) ?? []
  if (first === undefined) return say('holds no PEM certificate')
  const leaf = parseCertificate(first)
  if (leaf === null) return say('holds a certificate that cannot be read')
  if (Date.parse(leaf.validTo) <= now) return say(`expired at ${leaf.validTo}`)
  if (Date.parse(leaf.validFrom) > now) return say(`is not valid before ${leaf.validFrom}; is the clock right?`)
  return leaf
}

function parseCertificate(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem)
  } catch {
    return null
  }
}

function checkKey(pem: Buffer, path: string, problems: TlsProblem[]): KeyObject | null {
  try {
    return createPrivateKey(pem)
  } catch (error) {
    const locked = error instanceof Error && 'code' in error && error.code === 'ERR_MISSING_PASSPHRASE'
    const encrypted = locked || pem.includes('ENCRYPTED')
    const cause = encrypted ? 'is protected by a passphrase; give a key without one' : 'holds no PEM private key'
    problems.push({ part: 'key', path, cause })
    return null
  }
}

/** What OpenSSL itself refuses, such as a key that is too short. */
function refusedBySsl(material: TlsMaterial, files: TlsFiles): TlsProblem[] {
  try {
    createSecureContext(material)
    return []
  } catch (error) {
    const path = files.certFile ?? files.caFile ?? ''
    const cause = `is refused by OpenSSL: ${error instanceof Error ? error.message : String(error)}`
    return [{ part: files.certFile === null ? 'ca' : 'cert', path, cause }]
  }
}
