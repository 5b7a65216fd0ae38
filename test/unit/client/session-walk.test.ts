// Every short sequence of events on a session with a link of its own, by theme, against the invariants of
// session-model.ts.
import t from 'tap'
import { walkEvents, walkLength } from '../../support/event-walk.ts'
import { VirtualLoop } from '../relay/virtual-loop.ts'
import { SessionModel } from './session-model.ts'

// Under half a minute of CPU time; a busy machine takes a multiple of it.

/** Behind the start of each theme, which makes seven to ten events in all. */
const length = walkLength({ usual: 4, most: 5 })
const loss = ['cut', 'lost', 'same', 'new']

function withModel<T>(policy: 'always' | 'safe', use: (model: SessionModel) => T): T {
  const loop = new VirtualLoop()
  return loop.play(() => use(new SessionModel(loop, policy)))
}

/** Of each theme: where it begins, how many of the length are events of its own, and which. */
const themes: readonly (readonly [name: string, start: readonly string[], less: number, events: readonly string[]])[] =
  [
    ['an open MULTI', ['multi', 'answer', 'incr'], 0, ['answer', 'incr', 'exec', ...loss]],
    [
      'an open MULTI that is refused',
      ['multi', 'answer', 'incr'],
      0,
      ['answer', 'exec', 'scarce', 'plenty', 'tick', 'new', 'readonly'],
    ],
    [
      'an open MULTI that cannot be rebuilt yet',
      ['multi', 'answer', 'incr', 'answer'],
      0,
      ['cut', 'scarce', 'plenty', 'same', 'tick', 'exec', 'answer'],
    ],
    ['an open MULTI that waits', ['multi', 'incr'], 0, ['answer', 'incr', 'exec', 'cut', 'hold', 'later', 'new']],
    [
      'an open MULTI whose time is up in parts',
      ['multi', 'incr', 'answer', 'cut', 'later', 'exec'],
      0,
      ['later', 'answer', 'new', 'same', 'tick'],
    ],
    ['WATCH', ['watch', 'answer', 'multi'], 0, ['answer', 'incr', 'exec', ...loss]],
    ['BLPOP', ['blpop'], 0, ['later', 'answer', 'hold', 'readonly', 'get', ...loss]],
    ['BLPOP and a standstill', ['blpop'], 1, ['frozen', 'later', 'answer', 'same', 'get', 'cut']],
    ['a subscription', ['subscribe', 'answer'], 0, ['publish', 'answer', 'hold', 'tick', ...loss]],
    [
      'everything',
      [],
      0,
      ['multi', 'incr', 'exec', 'watch', 'blpop', 'subscribe', 'get', 'answer', 'readonly', 'tick', ...loss],
    ],
  ]

for (const policy of ['always', 'safe'] as const)
  for (const [name, start, less, events] of themes)
    t.test(`session — keeps every invariant — with ${name}, ${policy}`, async t => {
      const { broken, sequences } = walkEvents(use => withModel(policy, use), start, length - less, events)
      t.strictSame(broken, [])
      t.comment(`${sequences} sequences`)
    })
