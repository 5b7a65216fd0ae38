import t from 'tap'
import { commandSpecs } from '../../../src/command/catalog.ts'
import { Route } from '../../../src/command/command-spec.ts'
import { commandByName, lookupCommand, unknownSpec } from '../../../src/command/lookup.ts'

const known = commandSpecs.slice(1)

function mixedCase(name: string): string {
  return [...name].map((letter, i) => (i % 2 ? letter.toUpperCase() : letter)).join('')
}

t.test('lookup — finds every command — in lower, upper and mixed case', async t => {
  t.equal(known.length, 266)
  const missed: string[] = []
  for (const spec of known) {
    for (const name of [spec.name, spec.name.toUpperCase(), mixedCase(spec.name)]) {
      if (commandByName(name) !== spec) missed.push(name)
    }
  }
  t.strictSame(missed, [])
})

t.test('lookup — reads only the range it is given — when the name stands in the middle of a buffer', async t => {
  const missed = known.filter(spec => {
    const frame = Buffer.from(`x$${spec.name.toUpperCase()}get`)
    return lookupCommand(frame, 2, spec.name.length) !== spec
  })
  t.strictSame(missed, [])
  const frame = Buffer.from('*2\r\n$3\r\nGET\r\n$1\r\nk\r\n')
  t.equal(lookupCommand(frame, 8, 3).name, 'get')
  t.equal(lookupCommand(frame, 8, 2), unknownSpec)
  t.equal(lookupCommand(frame, 8, 5), unknownSpec)
})

t.test('lookup — answers the unknown command — for near misses', async t => {
  for (const name of [
    '',
    'g',
    'ge',
    'gett',
    'g\u00e5t',
    'ge\u212a',
    ' get',
    'get ',
    'get\0',
    'x'.repeat(300),
    'ft.search',
  ])
    t.equal(commandByName(name), unknownSpec, JSON.stringify(name.slice(0, 20)))
  t.equal(lookupCommand(Buffer.alloc(300, 'g'), 0, 300), unknownSpec)
  t.equal(lookupCommand(Buffer.from([0x67, 0xe5, 0x74]), 0, 3), unknownSpec, 'a byte above 127')
})

t.test('lookup — answers the unknown command — for every name with one byte missing, added or changed', async t => {
  const names = new Set(known.map(({ name }) => name))
  const mistaken: string[] = []
  for (const { name } of known) {
    for (let i = 0; i < name.length; i++) {
      const variants = ['', '!', 'z'].map(put => name.slice(0, i) + put + name.slice(i + 1))
      for (const variant of [...variants, `${name}x`, `x${name}`]) {
        const found = commandByName(variant)
        if (names.has(variant) ? found.name !== variant : found.known) mistaken.push(`${variant} for ${found.name}`)
      }
    }
  }
  t.strictSame(mistaken, [])
})

t.test('lookup — folds letters only — when a byte differs from the name in bit 0x20', async t => {
  const mistaken: string[] = []
  for (const { name } of known) {
    for (let i = 0; i < name.length; i++) {
      const bytes = Buffer.from(name)
      bytes[i] = bytes.readUInt8(i) ^ 0x20
      const isLetter = /[a-z]/.test(name.charAt(i))
      if (lookupCommand(bytes, 0, bytes.length).known !== isLetter) mistaken.push(`${name}, byte ${i}`)
    }
  }
  t.strictSame(mistaken, [])
  // '-' ^ 0x20 is a carriage return, '_' ^ 0x20 is DEL: names with these are the ones that matter.
  t.equal(commandByName('restore\rasking'), unknownSpec)
  t.equal(commandByName('RESTORE-ASKING').name, 'restore-asking')
  t.equal(commandByName('sort\x7fro'), unknownSpec)
  t.equal(commandByName('SORT_RO').name, 'sort_ro')
})

t.test('unknown command — is one frozen spec that assumes nothing good', async t => {
  t.ok(Object.isFrozen(unknownSpec))
  t.strictSame(
    { ...unknownSpec },
    { index: 0, name: '', known: false, arity: 0, route: Route.shared, cls: 'non-idempotent', subcommands: null },
  )
})

t.test('specs — are indexed without gaps and cannot be changed', async t => {
  t.strictSame(
    commandSpecs.filter((spec, index) => spec.index !== index || !Object.isFrozen(spec)),
    [],
  )
})
