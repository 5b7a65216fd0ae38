// values.ts: random replies of every type RESP2 and RESP3 have, as bytes. The encoder is this test's own.
import fc from 'fast-check'

const text = fc.string({ maxLength: 12, unit: fc.constantFrom(...'abcXYZ019 .:-+*$%') })
const blob = fc.oneof(
  fc.uint8Array({ maxLength: 30 }).map(array => Buffer.from(array).toString('latin1')),
  fc.constantFrom('', '\r\n', '*3\r\n', '+OK\r\n', '$-1\r\n'),
)
const sized = (mark: string, body: string): string => `${mark}${body.length}\r\n${body}\r\n`

const common = [
  text.map(value => `+${value}\r\n`),
  text.map(value => `-ERR ${value}\r\n`),
  fc.maxSafeInteger().map(value => `:${value}\r\n`),
  blob.map(value => sized('$', value)),
]

export const scalar: fc.Arbitrary<string> = fc.oneof(
  ...common,
  fc.constantFrom('$-1\r\n', '*-1\r\n', '_\r\n', '#t\r\n', '#f\r\n', ',1.5\r\n', ',inf\r\n', ',-inf\r\n', ',nan\r\n'),
  fc.constantFrom('(3492890328409238509324850943850943825024385\r\n', '(-1\r\n', '*0\r\n', '%0\r\n', '~0\r\n'),
  blob.map(value => sized('!', `ERR ${value}`)),
  blob.map(value => sized('=', `txt:${value}`)),
)

const many = (mark: string, items: readonly string[]): string => `${mark}${items.length}\r\n${items.join('')}`
const pairs = (mark: string, items: readonly (readonly [string, string])[]): string =>
  `${mark}${items.length}\r\n${items.flat().join('')}`

/** Any reply, nested; attributes stand in front of values at every depth. */
export const reply: fc.Arbitrary<string> = fc.letrec<{ value: string; attributed: string; plain: string }>(tie => ({
  plain: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }).map(items => many('*', items)),
    fc.array(tie('value'), { maxLength: 4 }).map(items => many('~', items)),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 3 }).map(items => pairs('%', items)),
  ),
  attributed: fc
    .tuple(fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 2 }), tie('plain'))
    .map(([attributes, value]) => pairs('|', attributes) + value),
  value: fc.oneof({ arbitrary: tie('plain'), weight: 6 }, { arbitrary: tie('attributed'), weight: 1 }),
})).value

/** A reply of RESP2, nested. */
export const resp2: fc.Arbitrary<string> = fc.letrec<{ value: string }>(tie => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(...common, fc.constantFrom('$-1\r\n', '*-1\r\n', '*0\r\n')),
    fc.array(tie('value'), { maxLength: 4 }).map(items => many('*', items)),
  ),
})).value

/** A reply, or a push. */
export const frame: fc.Arbitrary<string> = fc.oneof(
  { arbitrary: reply, weight: 6 },
  { arbitrary: fc.array(reply, { minLength: 1, maxLength: 3 }).map(items => many('>', items)), weight: 1 },
)
