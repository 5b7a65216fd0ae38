// What the silence of a link asks for, and what a node's list of its clients says of ours.
import t from 'tap'
import { judgeListed, nextStep, type SilenceFacts, silence } from '../../../src/relay/silent-links.ts'

const quiet: SilenceFacts = { quietMs: silence.askMs, othersAnswered: false, fresh: 'none', canRetire: true }

const table: readonly (readonly [name: string, facts: Partial<SilenceFacts>, step: string])[] = [
  ['not silent for long', { quietMs: silence.askMs - 1, othersAnswered: true, fresh: 'ready' }, 'wait'],
  ['silent', {}, 'ask'],
  ['silent, and so are others', { quietMs: 60_000 }, 'ask'],
  ['others are answered', { othersAnswered: true }, 'dial'],
  ['a fresh link is on its way', { othersAnswered: true, fresh: 'dialling' }, 'wait'],
  ['none comes up, as the node is busy', { othersAnswered: true, fresh: 'busy' }, 'retire'],
  ['a fresh link is up', { othersAnswered: true, fresh: 'ready' }, 'retire'],
  ['too many wait already', { othersAnswered: true, fresh: 'ready', canRetire: false }, 'wait'],
]

for (const [name, facts, step] of table)
  t.test(`silence — asks for "${step}" — when ${name}`, async t => {
    t.equal(nextStep({ ...quiet, ...facts }), step)
  })

const line = (fields: string): string =>
  `$1\r\nid=7 addr=1:2 laddr=1:3 fd=8 name= age=99 ${fields} events=r cmd=set\r\n`

for (const [name, reply, verdict] of [
  ['waits there for a pause or a module', line('idle=9 flags=b db=0 qbuf=0 qbuf-free=0'), 'busy'],
  ['has sent half a command', line('idle=9 flags=N db=0 qbuf=117 qbuf-free=0'), 'busy'],
  ['was heard just now', line('idle=1 flags=N db=0 qbuf=0 qbuf-free=0'), 'busy'],
  ['owes nothing for long', line('idle=9 flags=N db=0 qbuf=0 qbuf-free=20474'), 'idle'],
  ['is not there', '$0\r\n\r\n', 'gone'],
  ['is not there, RESP3', '=4\r\ntxt:\r\n', 'gone'],
  ['may not be asked for', '-NOPERM this user has no permissions\r\n', 'untold'],
  ['is behind a script', '-BUSY Redis is busy running a script.\r\n', 'untold'],
] as const)
  t.test(`CLIENT LIST — is read as "${verdict}" — when the link ${name}`, async t => {
    t.equal(judgeListed(reply), verdict)
  })
