// command-learner.ts: asks each master once for its list of commands, in the background: only commands that the table
// does not know depend on it.
import { formatAddress, type Master } from '../address.ts'
import type { LearnedCommands } from '../command/learned-commands.ts'
import type { Bugs } from '../ops/bugs.ts'
import type { Missing, MissingRights } from '../ops/missing-rights.ts'
import { isSameTerm } from '../relay/gate.ts'
import { fetchCommandFlags } from '../sentinel/command-list.ts'
import type { Login } from '../transport/password.ts'
import type { ServerRoutes } from '../transport/server-route.ts'

/**
 * The list of commands is long: it costs the server a millisecond and Holdfast some twenty. After a failover it is
 * nearly always the one that is known, so it is read at a random moment of this time, when other things are done.
 */
const LEARN_WITHIN_MS = 60_000

export interface CommandLearnerOptions {
  readonly learned: LearnedCommands
  readonly login: Login
  readonly routes: ServerRoutes
  readonly rights: MissingRights
  readonly bugs: Bugs
}

export function createCommandLearner({ learned, login, routes, rights, bugs }: CommandLearnerOptions) {
  let learnedFrom: Master | null = null
  let timer: NodeJS.Timeout | undefined
  const ask = (master: Master): void => {
    const onMissing = (missing: Missing): void => {
      rights.logMissing(missing, { node: formatAddress(master), user: login.username })
    }
    fetchCommandFlags(routes.route(master), login, onMissing)
      .then(flags => {
        if (flags !== undefined && learnedFrom === master) learned.learn(flags)
      })
      .catch(error => bugs.ofStep(error, 'learning commands'))
  }
  return {
    /** This master is confirmed: asks it, unless it was asked before. */
    onServe(master: Master): void {
      if (learnedFrom !== null && isSameTerm(learnedFrom, master)) return
      clearTimeout(timer)
      if (learnedFrom === null) ask(master)
      else timer = setTimeout(ask, Math.random() * LEARN_WITHIN_MS, master)
      learnedFrom = master
    },
    stop(): void {
      clearTimeout(timer)
    },
  }
}
