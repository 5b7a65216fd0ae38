// Every short sequence of events on a session with a link of its own, by theme, against the invariants of
// session-model.ts.
import t from 'tap'
import { VirtualLoop } from '../relay/virtual-loop.ts'
import { SessionModel } from './session-model.ts'

// Under half a minute of CPU time; a busy machine takes a multiple of it.

const { HOLDFAST_WALK_LENGTH = '4' } = process.env
/** Behind the start of each theme, which makes seven to ten events in all. */
const walkLength = Math.min(5, Number(HOLDFAST_WALK_LENGTH))
const loss = ['cut', 'lost', 'same', 'new']

function playSequence(events: readonly string[], policy: 'always' | 'safe'): { wrong: string; last: boolean } {
  const loop = new VirtualLoop()
  return loop.play(() => {
    const model = new SessionModel(loop, policy)
    let last = true
    for (const event of events) {
      last = model.play(event)
      if (model.wrong !== '') break
    }
    return { wrong: model.finish(), last }
  })
}

function walk(start: readonly string[], length: number, events: readonly string[], policy: 'always' | 'safe') {
  const broken: string[] = []
  let sequences = 0
  const go = (path: readonly string[]): void => {
    for (const event of events) {
      if (broken.length >= 3) return
      const next = [...path, event]
      const { wrong, last } = playSequence([...start, ...next], policy)
      sequences++
      if (wrong !== '') broken.push(`${wrong} after ${[...start, ...next].join(', ')}`)
      else if (last && next.length < length) go(next)
    }
  }
  go([])
  return { broken, sequences }
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
      const { broken, sequences } = walk(start, walkLength - less, events, policy)
      t.strictSame(broken, [])
      t.comment(`${sequences} sequences`)
    })
