// tls-trouble.ts: says why TLS with a server failed, in words for the person who has to repair it. Pure.
//
// The texts of OpenSSL name the symptom. A person needs to know which side is wrong, and which option to look at.

export type ServerSide = 'redis' | 'sentinel'

/** What to do about a failed connection to a server; null where the text says nothing about TLS. */
export function tlsRemedy(text: string, side: ServerSide): string | null {
  const who = side === 'redis' ? 'Redis' : 'the Sentinel'
  const option = `--${side}-tls`
  const found = remedies.find(([pattern]) => pattern.test(text))
  return found === undefined ? null : found[1](who, option)
}

/**
 * What may be wrong, but not for certain; null where the text gives no hint. By TLS 1.3 a server judges our certificate
 * after our side of the handshake, and its words are mostly lost with the connection. A frozen server leaves a
 * handshake unanswered, just like one without TLS.
 */
export function tlsHint(text: string, { side, usesTls }: { side: ServerSide; usesTls: boolean }): string | null {
  const who = side === 'redis' ? 'Redis' : 'the Sentinel'
  const option = `--${side}-tls`
  if (/no TLS handshake/.test(text))
    return `if ${who} does not speak TLS at this port, give its TLS port, or leave ${option} off`
  if (!/ECONNRESET|closed/i.test(text)) return null
  if (!usesTls) return `if ${who} expects TLS at this port, set ${option} on`
  return `if ${who} wants a certificate from us, set ${option}-cert and ${option}-key, signed by a CA that it trusts`
}

const remedies: readonly [RegExp, (who: string, option: string) => string][] = [
  [
    /certificate has expired|CERT_HAS_EXPIRED/i,
    who => `the certificate of ${who} has expired: give it a new one (or set the clock of this machine right)`,
  ],
  [/not yet valid/i, who => `the certificate of ${who} is not valid yet: are the clocks right?`],
  [
    /self-signed certificate|unable to verify|unable to get (local )?issuer|UNABLE_TO_/i,
    (who, option) => `the certificate of ${who} is not signed by a CA that is trusted here: correct ${option}-ca`,
  ],
  [
    /altnames|does not match certificate|ERR_TLS_CERT_ALTNAME/i,
    (who, option) =>
      `the certificate of ${who} has another name: put the address into subjectAltName, or set ${option}-server-name`,
  ],
  [
    /wrong version number|packet length too long|record overflow|http request/i,
    (who, option) => `${who} does not speak TLS at this port: give its TLS port, or leave ${option} off`,
  ],
  [
    /certificate required|bad certificate|handshake failure|peer did not return a certificate/i,
    (who, option) => `${who} wants a certificate from us and got none it takes: set ${option}-cert and ${option}-key`,
  ],
  [
    /alert unknown ca|alert certificate unknown|alert certificate expired|alert unsupported certificate/i,
    (who, option) => `${who} does not accept our certificate: correct ${option}-cert, or the CA that ${who} trusts`,
  ],
  [
    /protocol version|unsupported protocol|no protocols available/i,
    (who, option) =>
      `${who} speaks no TLS version that is allowed here: see ${option}-min-version and its tls-protocols`,
  ],
]
