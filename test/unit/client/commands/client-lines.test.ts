import t from 'tap'
import { parseFilters } from '../../../../src/client/commands/client-filters.ts'
import {
  formatLine,
  parseLines,
  replyLike,
  replyText,
  type SessionFacts,
  sessionLine,
} from '../../../../src/client/commands/client-lines.ts'

const link =
  'id=9 addr=10.0.0.1:5000 laddr=10.0.0.2:6379 fd=8 name= age=900 idle=1 flags=N capa= db=0 sub=0 psub=0 ssub=0 multi=3 ' +
  'watch=2 qbuf=26 tot-mem=37786 events=r cmd=get user=app redir=-1 resp=2 lib-name= lib-ver= tot-net-in=77 new-field=x\n'

const facts: SessionFacts = {
  always: {
    id: '4503599627370501',
    addr: '127.0.0.1:4000',
    laddr: '127.0.0.1:6380',
    name: 'me',
    age: '7',
    db: '4',
    resp: '3',
    'lib-name': 'lib',
    'lib-ver': '1',
  },
  unlessOwn: { cmd: 'client|setname', idle: '3', qbuf: '0' },
  unlessListed: { flags: 'P', sub: '5', multi: '-1' },
  user: 'other',
  unix: false,
}

const [template = new Map<string, string>()] = parseLines(link)

t.test(
  'a session’s line — keeps the order and the fields that are not known — of a shared link nothing of others',
  t => {
    t.equal(
      formatLine(sessionLine(template, 'shared', facts)),
      'id=4503599627370501 addr=127.0.0.1:4000 laddr=127.0.0.1:6380 fd=8 name=me age=7 idle=3 flags=N capa= db=4 sub=0 psub=0 ' +
        'ssub=0 multi=-1 watch=0 qbuf=0 tot-mem=0 events=r cmd=client|setname user=app redir=-1 resp=3 lib-name=lib lib-ver=1 ' +
        'tot-net-in=0 new-field=x\n',
    )
    const own = sessionLine(template, 'own', { ...facts, always: { ...facts.always, redir: '77' } })
    for (const [field, value] of Object.entries({
      multi: '3',
      watch: '2',
      idle: '1',
      cmd: 'get',
      user: 'app',
      redir: '77',
    }))
      t.equal(own.get(field), value, field)
    t.equal(sessionLine(template, 'other', facts).get('user'), 'other')
    t.equal(sessionLine(template, 'own', { ...facts, unix: true }).get('flags'), 'U')
    t.end()
  },
)

t.test('a reply’s text — is taken out of and put into either kind of string, byte by byte', t => {
  for (const reply of ['$4\r\na\xe9b\n\r\n', '=8\r\ntxt:a\xe9b\n\r\n']) {
    const frame = Buffer.from(reply, 'latin1')
    t.equal(replyText(frame), 'a\xe9b\n')
    t.strictSame(replyLike(frame, 'a\xe9b\n'), frame)
  }
  t.equal(replyText(Buffer.from('+OK\r\n')), undefined)
  t.strictSame(parseLines('id=1 addr=/tmp/a b.sock:0 name=\n').map(formatLine), ['id=1 addr=/tmp/a b.sock:0 name=\n'])
  t.end()
})

t.test('filters — let through what a server would', t => {
  const line = sessionLine(template, 'shared', facts)
  const cases: readonly [string, boolean][] = [
    ['ID 4503599627370501', true],
    ['ID 5 004503599627370501 7', true],
    ['ID 5', false],
    ['NOT-ID 5 6', true],
    ['NOT-ID 4503599627370501', false],
    ['TYPE normal', true],
    ['TYPE PUBSUB', false],
    ['NOT-TYPE pubsub', true],
    ['ADDR 127.0.0.1:4000', true],
    ['ADDR 127.0.0.1:4001', false],
    ['LADDR 127.0.0.1:6380', true],
    ['USER app MAXAGE 7', true],
    ['USER app MAXAGE 8', false],
    ['NAME me DB 4 FLAGS N IP 127.0.0.1', true],
    ['NOT-NAME me', false],
    ['IDLE 4', false],
    ['LIB-NAME lib LIB-VER 2', false],
    ['SKIPME yes', true],
  ]
  const parsed = (words: string) => parseFilters(`CLIENT LIST ${words}`.split(' ').map(word => Buffer.from(word)))
  for (const [words, passes] of cases) t.equal(parsed(words)?.test(line), passes, words)
  t.equal(parsed('FUTURE 1'), undefined)
  t.match(parsed('ID 5 SKIPME no'), { skipMe: false, onlyId: '5', namesOne: true })
  t.match(parsed('ID 5 TYPE normal'), { skipMe: null, onlyId: null })
  t.match(parsed('ID 5 6'), { onlyId: null })
  t.end()
})
