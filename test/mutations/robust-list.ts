// robust-list.ts — known bugs of what one client can do to all: replies that are taken apart, exceptions, the log.
import type { Mutation } from './mutation.ts'

const clientData = 'test/wire/client-data.test.ts'

export const robustMutations: readonly Mutation[] = [
  {
    name: "an EXEC's reply is taken apart by recursion",
    file: 'src/client/handlers.ts',
    from: '    const types = elementTypes(frame)\n',
    to: '    const walk = (at: number): number => (at < 0 ? 0 : 1 + walk(frame.indexOf(42, at + 1)))\n    walk(0)\n    const types = elementTypes(frame)\n',
    breaks: 'what a script answers ends nobody',
    test: clientData,
    shows: /nested 7,900 deep/,
  },
]
