// The kinds of values, each as a table of what is read and what is not.
import t from 'tap'
import type { Kind } from '../../src/config/option.ts'
import { nearest } from '../../src/config/suggest.ts'
import {
  addressList,
  announcedAddress,
  commandList,
  count,
  duration,
  listenAddress,
  oneOf,
  password,
  plainText,
  shortTime,
  size,
} from '../../src/config/value-kinds.ts'

/** Values by the text they are written as; undefined where the text is none. */
function readAll(kind: Kind<unknown>, texts: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    texts.map(given => {
      const read = kind.read(given)
      return [given, 'value' in read ? read.value : undefined]
    }),
  )
}

function check(name: string, kind: Kind<unknown>, expected: Record<string, unknown>): void {
  t.test(name, async t => {
    t.strictSame(readAll(kind, Object.keys(expected)), expected)
  })
}

check('duration — has units, fractions and limits', duration({ min: '1ms', max: '1h' }), {
  '1': 1,
  '250': 250,
  '250ms': 250,
  '1.5s': 1500,
  '2m': 120_000,
  '1h': 3_600_000,
  '61m': undefined,
  '0': undefined,
  '-1s': undefined,
  '1 s': undefined,
  '1S': undefined,
  '5d': undefined,
  '1e3': undefined,
  '': undefined,
  Infinity: undefined,
})

check(
  'duration — wants a unit — where a small number alone is hardly milliseconds',
  duration({ min: '0ms', max: '1h', unitBelow: '1s' }),
  {
    '0': 0,
    '0.0': 0,
    '5': undefined,
    '1.5': undefined,
    '999': undefined,
    '1000': 1000,
    '5ms': 5,
    '5s': 5000,
    '5x': undefined,
  },
)

check('short time — has units, fractions and limits', shortTime({ min: '0us', max: '10ms' }), {
  '0': 0,
  '0us': 0,
  '50us': 0.05,
  '1.5ms': 1.5,
  '2': 2,
  '10ms': 10,
  '10001us': undefined,
  '1s': undefined,
  '-1us': undefined,
  '1e1': undefined,
  '': undefined,
})

check('size — counts in powers of 1024, in either case', size({ min: '1kb', max: '2gb' }), {
  '1024': 1024,
  '2048b': 2048,
  '64kb': 65_536,
  '64KB': 65_536,
  '1mb': 1_048_576,
  '2gb': 2_147_483_648,
  '3gb': undefined,
  '1023': undefined,
  '64k': undefined,
  '1.5mb': undefined,
  '-1': undefined,
  '': undefined,
})

check('count — is a whole number within its limits', count({ min: '0', max: '10' }), {
  '0': 0,
  '10': 10,
  '007': 7,
  '11': undefined,
  '-1': undefined,
  '1.0': undefined,
  '0x1': undefined,
  '1e1': undefined,
  ' 1': undefined,
  '': undefined,
})

check('addressList — takes names, IPv4 and IPv6 in brackets, and fills in the port', addressList(26379), {
  'redis-1': [{ host: 'redis-1', port: 26379 }],
  'redis_1.svc.local:7': [{ host: 'redis_1.svc.local', port: 7 }],
  '10.0.0.1': [{ host: '10.0.0.1', port: 26379 }],
  '[::1]': [{ host: '::1', port: 26379 }],
  '[fe80::1]:7': [{ host: 'fe80::1', port: 7 }],
  ' a , b:2 ': [
    { host: 'a', port: 26379 },
    { host: 'b', port: 2 },
  ],
  'a,a:26379': [{ host: 'a', port: 26379 }],
  '': undefined,
  ',': undefined,
  'a,': undefined,
  'a:0': undefined,
  'a:65536': undefined,
  'a:': undefined,
  ':7': undefined,
  '::1': undefined,
  '[a]:7': undefined,
  '[::1': undefined,
  '999.0.0.1:7': undefined,
  '26379': undefined,
  'redis://a:7': undefined,
  'a b:7': undefined,
})

check('listenAddress — takes a port alone and any port from 0', listenAddress('127.0.0.1'), {
  '6379': { host: '127.0.0.1', port: 6379 },
  '0': { host: '127.0.0.1', port: 0 },
  '0.0.0.0:1': { host: '0.0.0.0', port: 1 },
  'localhost:7': { host: 'localhost', port: 7 },
  '[::]:7': { host: '::', port: 7 },
  ':7': undefined,
  '*:7': undefined,
  '::7': undefined,
  '127.0.0.1': undefined,
  '65536': undefined,
  '': undefined,
})

check('announcedAddress — has a host and a port', announcedAddress, {
  'holdfast.svc:6379': { host: 'holdfast.svc', port: 6379 },
  '[::1]:7': { host: '::1', port: 7 },
  '6379': undefined,
  holdfast: undefined,
  'holdfast:0': undefined,
  ':7': undefined,
})

check('commandList — replaces the default, amends it, or is none', commandList('sync,shutdown'), {
  '': [],
  KEYS: ['keys'],
  'keys, config|set': ['keys', 'config|set'],
  'ft.search': ['ft.search'],
  '+keys,+FLUSHALL': ['sync', 'shutdown', 'keys', 'flushall'],
  '-shutdown': ['sync'],
  '-shutdown,+keys': ['sync', 'keys'],
  '+sync': ['sync', 'shutdown'],
  'keys,+flushall': undefined,
  '-keys': undefined,
  '-shutdown,-shutdown': undefined,
  '+': undefined,
  'a,,b': undefined,
  'config|': undefined,
  'config|set|x': undefined,
  'get|x': undefined,
  'two words': undefined,
})

check('text — is one line of at least one character', plainText('NAME'), {
  mymaster: 'mymaster',
  'my master': 'my master',
  '': undefined,
  'a\nb': undefined,
  'a\0': undefined,
})

check('password — is anything but nothing', password, { ' a\nb ': ' a\nb ', '': undefined })
check('oneOf — takes its words as they are', oneOf('auto', 'private'), {
  auto: 'auto',
  AUTO: undefined,
  '': undefined,
  constructor: undefined,
})

t.test('commandList — says which entry is wrong and why', async t => {
  t.match(commandList('sync').read('keys,get|x'), { part: 'get|x', expected: /get has no subcommands/ })
})

t.test('nearest — is the closest name — and none when all are far', async t => {
  const known = ['hold-timeout', 'max-retries', 'master']
  t.equal(nearest('hold-timout', known), 'hold-timeout')
  t.equal(nearest('max-retires', known), 'max-retries')
  t.equal(nearest('mastre', known), 'master')
  t.equal(nearest('port', known), undefined)
  t.equal(nearest('', known), undefined)
})
