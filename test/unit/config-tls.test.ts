// The files of the TLS options are looked at before anything starts: what is wrong with each is said by option and
// file.
import { chmodSync, copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readConfig } from '../../src/config.ts'
import { readTlsFiles } from '../../src/transport/tls-files.ts'
import { Authority, type CertificateFiles, type CertificateOptions } from '../support/certificates.ts'
import { without } from '../support/needs.ts'
import { makeFolder, removeFolder } from '../support/servers.ts'

const dir = await makeFolder()
t.teardown(() => removeFolder(dir))
const skip = without('openssl')
const authority = skip ? null : new Authority(dir)
/** A name alone where there is no openssl to make the files: the tests that read them are skipped. */
function issue(name: string, options: CertificateOptions = {}): CertificateFiles {
  return authority?.issue(name, options) ?? { cert: join(dir, `${name}.pem`), key: join(dir, `${name}-key.pem`) }
}
const good = issue('good')
const other = issue('other')
const late = issue('late', { days: -1 })
const weak = issue('weak', { key: 'rsa:512' })
const made = [good, other, late, weak].flatMap(({ cert, key }) => [cert, key])
const missing = join(dir, 'missing.pem')
const rubbish = join(dir, 'rubbish.pem')
const locked = join(dir, 'locked.pem')
writeFileSync(rubbish, 'no certificate\n')
writeFileSync(locked, '-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n')

function errorsOf(...flags: string[]): string[] {
  const read = readConfig(['--sentinels', 'a:1', '--master', 'm', ...flags], {})
  return read.kind === 'errors' ? read.errors : []
}

const redis = (part: string, file: string): string[] => ['--redis-tls', `--redis-tls-${part}`, file]
const listen = (cert: string, key: string): string[] => ['--listen-tls-cert', cert, '--listen-tls-key', key]

const cases: [title: string, flags: string[], errors: (string | RegExp)[]][] = [
  ['good files', [...redis('ca', authority?.ca ?? missing), ...listen(good.cert, good.key)], []],
  [
    'a missing file',
    redis('ca', missing),
    [`--redis-tls-ca: ${missing} cannot be read: no such file or directory (ENOENT)`],
  ],
  ['a CA file without a certificate', redis('ca', rubbish), [`--redis-tls-ca: ${rubbish} holds no PEM certificate`]],
  ['an expired certificate', listen(late.cert, late.key), [/^--listen-tls-cert: .*late\.pem expired at /]],
  [
    'a key of another certificate',
    listen(good.cert, other.key),
    [`--listen-tls-key: ${other.key} is not the key of the certificate in ${good.cert}`],
  ],
  ['a file that is no key', listen(good.cert, rubbish), [`--listen-tls-key: ${rubbish} holds no PEM private key`]],
  [
    'a key with a passphrase',
    listen(good.cert, locked),
    [`--listen-tls-key: ${locked} is protected by a passphrase; give a key without one`],
  ],
  ['a key that is too short', listen(weak.cert, weak.key), [/^--listen-tls-cert: .*weak\.pem is refused by OpenSSL: /]],
  [
    'several mistakes at once',
    [...redis('ca', missing), ...listen(rubbish, missing), '--max-retries', 'many'],
    [
      '--max-retries: got "many", expected a whole number from 0 to 1000000',
      /^--redis-tls-ca: .*missing\.pem cannot be read/,
      /^--listen-tls-key: .*missing\.pem cannot be read/,
      /^--listen-tls-cert: .*rubbish\.pem holds no PEM certificate/,
    ],
  ],
  ['files of a side that is off', ['--redis-tls-ca', missing], [/^--redis-tls-ca needs --redis-tls on/]],
]

for (const [title, flags, errors] of cases) {
  const needed = flags.some(flag => made.includes(flag)) && skip
  t.test(`config — names option, file and cause — at ${title}`, { skip: needed }, async t => {
    const found = errorsOf(...flags)
    t.equal(found.length, errors.length, found.join('; '))
    t.match(found, errors)
  })
}

t.test('config — names the option, not the flag — where the environment gave the file', async t => {
  const env = { HOLDFAST_SENTINEL_TLS: 'on', HOLDFAST_SENTINEL_TLS_CA: missing }
  const read = readConfig(['--sentinels', 'a:1', '--master', 'm'], env)
  t.match(read, { kind: 'errors', errors: [/^HOLDFAST_SENTINEL_TLS_CA \(environment\): .*cannot be read/] })
})

t.test('TLS files — are refused when unreadable — to a user without rights', { skip }, async t => {
  const secret = join(dir, 'secret.pem')
  copyFileSync(good.key, secret)
  chmodSync(secret, 0o000)
  const root = process.getuid?.() === 0
  const files = { caFile: null, certFile: good.cert, keyFile: root ? dir : secret, minVersion: 'TLSv1.2' } as const
  const cause = root ? /cannot be read: .*\(EISDIR\)/ : /cannot be read: .*\(EACCES\)/
  t.match(readTlsFiles(files, Date.now()), { problems: [{ part: 'key', cause }] })
})
