// crowd-list.ts: known bugs of what keeps a thousand sidecars light on three Sentinels, and what they may not cost.
import type { Mutation } from './mutation.ts'

const failover = 'test/unit/sentinel/failover.test.ts'
const pace = 'test/unit/sentinel/question-pace.test.ts'
const dialAhead = 'test/unit/upstream/dial-ahead.test.ts'

export const crowdMutations: readonly Mutation[] = [
  {
    name: 'a published move has a vote whatever its epoch',
    file: 'src/sentinel/voters.ts',
    from: 'const counted = views.some(({ view }) => view.isPublished) ? views.filter(isVouchedFor) : views',
    to: 'const counted = views',
    breaks: 'the epoch is the one that a majority confirms',
    test: failover,
    shows: /only a reason to ask it/,
  },
  {
    name: 'the epoch of a promotion is not taken from its events',
    file: 'src/sentinel/topology.ts',
    from: 'return viewAfterPromotion(view, event.replica, nextEpoch, now)',
    to: 'return view',
    breaks: 'events decide',
    test: failover,
    shows: /needs no question/,
  },
  {
    name: 'the word of a node under promotion outlives its connection',
    file: 'src/sentinel/topology.ts',
    from: 'if (draft.probe?.isAhead && sameAddress(draft.probe.address, observation.address)) draft.probe = null',
    to: '',
    breaks: 'the node itself says that it is master, now',
    test: failover,
    shows: /counts no longer than its connection/,
  },
  {
    name: 'a promotion has one epoch for its address and another for its question',
    file: 'src/sentinel/sentinel-view.ts',
    from: "if (named === null && (stage === 'promoted' || stage === 'unknown')) return { kind: 'promoted' }",
    to: '',
    breaks: 'address and epoch make a pair',
    test: 'test/unit/sentinel/sentinel-view.test.ts',
    shows: /make no pair|needs the address/,
  },
  {
    name: 'a slow Sentinel is asked as often as a quick one',
    file: 'src/sentinel/question-pace.ts',
    from: 'spreadMs(Math.max(ms, Math.min(LONGEST_MS, 2 * SHARE * tookMs)), random)',
    to: 'spreadMs(Math.max(ms, tookMs / 1e6), random)',
    breaks: 'the total from a thousand is bounded',
    test: pace,
    shows: /twenty times|slow/,
  },
  {
    name: 'sidecars ask in step',
    file: 'src/backoff.ts',
    from: 'return ms / 2 + (random() * ms) / 2',
    to: 'return random() >= 0 ? ms : 0',
    breaks: 'jitter depends on nothing shared',
    test: pace,
    shows: /pause/,
  },
  {
    name: 'a settled Sentinel is never asked',
    file: 'src/sentinel/questions.ts',
    from: '      this.#asked++\n      this.ask()\n',
    to: '      this.#asked++\n',
    breaks: 'lost events delay a change of master by the stated bound',
    test: 'test/failover/lost-events.test.ts',
    shows: /dead without a word/,
  },
  {
    name: 'a link to a new master does not get the connection that is open',
    file: 'src/upstream/dial-ahead.ts',
    from: '      if (!ahead.fits(master, reading)) continue\n',
    to: '      if (!ahead.fits(master, reading) || master !== undefined) continue\n',
    breaks: 'no queue of connections overflows',
    test: dialAhead,
    shows: /without a dial|open already/,
  },
  {
    name: 'a link gets a connection on which the server turned us away',
    file: 'src/upstream/dial-ahead.ts',
    from: ' && !this.#hasSpoken && isUsable(this.#socket)',
    to: ' && isUsable(this.#socket)',
    breaks: 'a link begins with its own handshake',
    test: dialAhead,
    shows: /turned us away/,
  },
  {
    name: 'connections to a node that is no master after all stay',
    file: 'src/upstream/dial-ahead.ts',
    from: '    for (const ahead of this.#open) ahead.end()\n',
    to: '',
    breaks: 'nothing is kept that nobody needs',
    test: dialAhead,
    shows: /another node is the master/,
  },
]
