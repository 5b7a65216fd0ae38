// relay-list.ts — known bugs of what a lane makes of replies and of silence: patience, refusals, withheld replies.
import type { Mutation } from './mutation.ts'

const scenes = 'test/unit/relay/lane-scenes.test.ts'

export const relayMutations: readonly Mutation[] = [
  {
    name: 'the patience with a silent node is never taken back',
    file: 'src/relay/lane.ts',
    from: '    this.patience = 1\n',
    to: '',
    breaks: 'a dead shared link is noticed in seconds, whatever was before',
    test: scenes,
    shows: /silence — is borne as long as at first/,
  },
]
