// deploy-list.ts — known bugs of what is shipped: how the program is started, what probes and signals do to it.
import type { Mutation } from './mutation.ts'

export const deployMutations: readonly Mutation[] = [
  {
    name: 'the flags of Node are not in force when it is started without them',
    file: 'src/main.ts',
    from: 'if (isProxy) restartWithFlags()\n',
    to: '',
    breaks: 'the longest waits are short beside large values',
    test: 'test/wire/node-flags.test.ts',
    shows: /process.node-flags|in force/,
  },
]
