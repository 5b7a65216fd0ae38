import t from 'tap'
import { trackingOptions, withoutRedirect, withPrefixesOf } from '../../../../src/client/state/tracking-options.ts'
import { commandArgs } from '../../../../src/resp/decode.ts'
import { encodeCommand } from '../../../../src/resp/encode.ts'

const frame = (options: string): Buffer => encodeCommand(`CLIENT TRACKING ON ${options}`.trim().split(' '))
const text = (bytes: Buffer): string => commandArgs(bytes).slice(3).join(' ')

t.test('options — are read as the server reads them: a value may have the name of an option', t => {
  const { redirect, prefixes, isBroadcast } = trackingOptions(
    commandArgs(frame('bcast PREFIX redirect prefix bcast redirect 77')),
  )
  t.strictSame(redirect, { place: 9, id: '77' })
  t.strictSame(prefixes.map(String), ['redirect', 'bcast'])
  t.ok(isBroadcast)
  t.notOk(trackingOptions(commandArgs(frame('PREFIX bcast'))).isBroadcast)
  t.equal(trackingOptions(commandArgs(frame('BCAST REDIRECT'))).redirect, undefined)
  const twice = trackingOptions(commandArgs(frame('REDIRECT 7 NOLOOP REDIRECT 8')))
  t.strictSame(
    twice.redirects.map(({ id }) => id),
    ['7', '8'],
  )
  t.equal(twice.redirect?.id, '8')
  t.end()
})

t.test('prefixes — the server adds to those that it has', t => {
  const a = frame('BCAST PREFIX a')
  t.equal(text(withPrefixesOf(null, a)), 'BCAST PREFIX a')
  t.equal(text(withPrefixesOf(a, frame('BCAST NOLOOP PREFIX b'))), 'BCAST NOLOOP PREFIX b PREFIX a')
  t.equal(text(withPrefixesOf(a, frame('BCAST'))), 'BCAST', 'all keys')
  t.equal(text(withPrefixesOf(a, frame('OPTIN'))), 'OPTIN')
  t.equal(text(withPrefixesOf(a, frame('BCAST PREFIX ab'))), 'BCAST PREFIX ab', 'it had not got those before')
  t.end()
})

t.test('REDIRECT — is taken out, with its id and nothing else', t => {
  t.equal(text(withoutRedirect(frame('OPTIN REDIRECT 77 NOLOOP'))), 'OPTIN NOLOOP')
  t.equal(text(withoutRedirect(frame('BCAST PREFIX redirect'))), 'BCAST PREFIX redirect')
  t.end()
})
