// arguments.ts: commands as lists of words: fills the templates in, and spoils some of them.
// Owns: the pools of keys and values. Never: encodes, sends, knows sessions.
import { commandSpecs } from '../../../src/command/catalog.ts'
import type { Random } from './random.ts'
import { blockingRows, templateRows } from './templates.ts'

/** A word is text in latin1, one character a byte. */
export type Words = readonly string[]

const words = ['alpha', 'beta', 'gamma', 'delta', 'one', '7', '-3', '2.5', 'x y', 'A']
const members = ['a', 'b', 'c', 'd', 'm1', 'm2', 'm3', '1', '2', '33']
const fields = ['f1', 'f2', 'f3', 'f4', 'n1']
const channels = ['ch:1', 'ch:2', 'ch:3', '__keyevent@0__:del']
const typed = ['s', 'l', 'h', 'z', 'e', 'x'] as const
const library = `#!lua name=mylib
redis.register_function('f1', function(keys, args) return args end)
redis.register_function{function_name='f2', callback=function(keys) return redis.call('get', keys[1]) end, flags={'no-writes'}}
redis.register_function('f3', function() return redis.error_reply('F3 failed') end)
`
const shas = [
  'e0e1f9fabfc9d4800c877a703b823ac0578ff8db', // return 1
  '4ca238f611c9d0ae4e9a75a5dbac22aedc1e44bd', // return KEYS[1]
  'ffffffffffffffffffffffffffffffffffffffff',
  'E0E1F9FABFC9D4800C877A703B823AC0578FF8DB',
  'short',
]
const spoilt = ['', 'foo', '-1', '99999999999999999999', 'nan', '\u0000\r\n', '**', '1e5000']

/** Spoiling these would make them random, endless, or harmful to the run. */
const keptWhole = new Set([
  ...['spop', 'debug', 'config', 'acl', 'client', 'swapdb', 'migrate', 'save', 'pfselftest', 'monitor'],
  // Without its count or its pattern: a part in the order of a hash table, and the channel of the Sentinels.
  ...['scan', 'pubsub'],
])

const patterns = readRows(templateRows)
const blockingPatterns = readRows(blockingRows)

/** Names of the table that have a template. */
export const templated: ReadonlySet<string> = new Set([...patterns.keys(), ...blockingPatterns.keys()])

function readRows(rows: string): ReadonlyMap<string, readonly Words[]> {
  return new Map(
    rows
      .trim()
      .split('\n')
      .map(row => {
        const [name = '', ...rest] = row.trim().split(' ')
        const list = rest
          .join(' ')
          .split(' | ')
          .map(pattern => (pattern === '.' ? [] : pattern.trim().split(' ')))
        return [name, list]
      }),
  )
}

/** Working arguments for the command, or nearly so. */
export function fill(random: Random, name: string): Words {
  const list = patterns.get(name)
  if (list === undefined) throw new Error(`no template for ${name}`)
  return [name, ...random.pick(list).map(word => fillWord(random, word))]
}

/** One of the blocking commands, which waits on bl:*, bz:* or bx:* of `slot` for `seconds` (0: for ever). */
export function fillBlocking(random: Random, slot: number, seconds: number): Words {
  const name = random.pick([...blockingPatterns.keys()])
  const pattern = random.pick(blockingPatterns.get(name) ?? [])
  return [
    name,
    ...pattern.map(word => {
      switch (word) {
        case '$to':
          return String(seconds)
        case '$ms':
          return String(seconds * 1000)
        case '$bl':
        case '$bz':
        case '$bx':
          return `${word.slice(1)}:${slot}`
        default:
          return fillWord(random, word)
      }
    }),
  ]
}

/** Now and then: an argument too many or too few, a senseless one, another case, a name nobody knows. */
export function spoil(random: Random, command: Words): Words {
  const [name = '', ...args] = command
  if (keptWhole.has(name)) return random.chance(0.5) ? command : [name.toUpperCase(), ...args]
  switch (random.int(0, 5)) {
    case 0:
      return [name, ...args.slice(0, -1)]
    case 1:
      return [name, ...args, random.pick(spoilt)]
    case 2:
    case 3: {
      if (args.length === 0) return [name]
      args[random.int(0, args.length - 1)] = random.pick(spoilt)
      return [name, ...args]
    }
    case 4:
      return [name.toUpperCase(), ...args]
    default:
      return [`${name}${random.pick(['x', '\u00e9', ' ', '|', 'ee'])}`, ...args]
  }
}

/** Every name of the command table. */
export const tableNames: readonly string[] = commandSpecs.filter(spec => spec.known).map(spec => spec.name)

function fillWord(random: Random, word: string): string {
  if (!word.includes('$') || word === '$') {
    return word.replace(/\\(x[0-9a-f]{2}|n)/g, (_, code: string) =>
      code === 'n' ? '\n' : String.fromCharCode(Number.parseInt(code.slice(1), 16)),
    )
  }
  return word.replace(/\$([a-z]+)/g, (_, kind: string) => value(random, kind))
}

function value(random: Random, kind: string): string {
  if (typed.some(letter => letter === kind)) return key(random, kind)
  switch (kind) {
    case 'k':
      return random.chance(0.1) ? 'nosuch' : key(random, random.pick(typed))
    case 'v':
      return text(random)
    case 'w':
      return random.pick(words)
    case 'm':
      return random.pick(members)
    case 'f':
      return random.pick(fields)
    case 'c':
      return random.pick(channels)
    case 'n':
      return String(random.int(-4, 6))
    case 'q':
      return String(random.int(-100, 100))
    case 'o':
      return String(random.int(0, 300))
    case 'd':
      return random.pick(['1', '2', '2.5', '-3', '10', '+inf', '0.1'])
    case 't':
      return String(random.int(10_000, 90_000))
    case 'at':
      return '9999999999'
    case 'id':
      return `${random.int(1, 60)}-${random.int(1, 2)}`
    case 'g':
      return random.pick(['g1', 'g2'])
    case 'u':
      return random.pick(['c1', 'c2'])
    case 'sha':
      return random.pick(shas)
    case 'lib':
      return library
    default:
      throw new Error(`no value for $${kind}`)
  }
}

function key(random: Random, letter: string): string {
  return `${random.chance(0.05) ? 'app:' : ''}${letter}:${random.int(1, 3)}`
}

function text(random: Random): string {
  switch (random.int(0, 9)) {
    case 0:
      return ''
    case 1:
      return String(random.int(-1000, 1000))
    case 2:
      return '\r\n\u0000\u00ff$5\r\nhello\r\n'
    case 3:
      return 'v'.repeat(random.int(50, 700))
    case 4:
      return '*3\r\n$3\r\nSET\r\n'
    default:
      return random.pick(words)
  }
}
