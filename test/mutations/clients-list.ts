// clients-list.ts — known bugs of the CLIENT commands: who is listed, who is ended, and what the proxy answers itself.
import type { Mutation } from './mutation.ts'

const wire = 'test/wire/client-list.test.ts'
const answers = 'test/wire/client-answers.test.ts'

export const clientMutations: readonly Mutation[] = [
  {
    name: 'a link of ours is listed as a client',
    file: 'src/upstream/live-links.ts',
    from: 'has: (id, address) => ids.has(id) || addresses.has(address)',
    to: 'has: (id, address) => ids.has(address) || addresses.has(id)',
    breaks: 'CLIENT LIST has each session once',
    test: wire,
    shows: /the stranger, four sessions and no link/,
  },
  {
    name: 'CLIENT KILL of a filter that fits links is left to the server',
    file: 'src/client/client-kill.ts',
    from: 'if (!spared && filter.test(line) && !own.has(id, address)) ids.push(id)',
    to: 'if (!spared && filter.test(line) && id !== address) ids.push(id)',
    breaks: 'a link never ends by a client’s word',
    test: wire,
    shows: /two sessions and the stranger|no link was ended/,
  },
  {
    name: 'who kills itself has what it sent behind run',
    file: 'src/client/session.ts',
    from: 'this.#intake.clear() // what it has sent behind',
    to: 'this.#intake.clear // what it has sent behind',
    breaks: 'CLIENT KILL of itself is answered, and nothing behind it runs',
    test: wire,
    shows: /nothing behind it runs/,
  },
  {
    name: 'each proxy gives the same client ids',
    file: 'src/client/client-ids.ts',
    from: 'constructor(part: number = randomInt(PARTS))',
    to: 'constructor(part: number = randomInt(1))',
    breaks: 'ids of two proxies have nothing in common',
    test: 'test/unit/client/client-ids.test.ts',
    shows: /by chance/,
  },
  {
    name: 'what the proxy answers itself needs no proof of a login',
    file: 'src/client/proven.ts',
    from: 'if (context.lane.proven) {',
    to: 'if (!context.gone) {',
    breaks: 'each CLIENT command is refused as the server refuses it',
    test: answers,
    shows: /before AUTH/,
  },
  {
    name: 'confirmations are kept back by CLIENT REPLY OFF',
    file: 'src/client/handlers.ts',
    from: 'if (!isError(type)) this.#context.push(frame)',
    to: 'if (!isError(type)) request.owner.deliver(frame)',
    breaks: 'confirmations and messages come all the same',
    test: answers,
    shows: /confirmations and messages|timeout/,
  },
  {
    name: 'the session that hears invalidations gets no link for it',
    file: 'src/client/target-link.ts',
    from: 'if (hasLink(target)) then(context.replyTo())',
    to: 'if (!target.gone) then(context.replyTo())',
    breaks: 'REDIRECT to a session on a shared link works',
    test: answers,
    shows: /TRACKING REDIRECT/,
  },
  {
    name: 'a transaction that was given up leaves its WATCH on the link',
    file: 'src/client/queueing.ts',
    from: 'if (!context.state.watching && !context.state.watchLost) {',
    to: 'if (!context.gone) {',
    breaks: 'DISCARD leaves no WATCH on a link that another session may use',
    test: 'test/wire/given-up-transactions.test.ts',
    shows: /nothing that it watches has changed/,
  },
  {
    name: 'a link for a login is told the name before it',
    file: 'src/client/session-lane.ts',
    from: "prelude === 'without' || this.#signsIn\n          ? null",
    to: "prelude === 'without' || !this.isPrivate\n          ? null",
    breaks: 'no session.restore_failed where nothing is lost',
    test: answers,
    shows: /restore_failed/,
  },
]
