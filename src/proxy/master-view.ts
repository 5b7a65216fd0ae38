// master-view.ts: what can be seen of one master from outside its planes: the snapshot of /status, /metrics and the page,
// and what the control socket may ask and do. Changes nothing but by the pause that it hands out.
import { formatAddress, type Master } from '../address.ts'
import type { Listener } from '../client/accept/listener.ts'
import { callsByClass } from '../command/catalog.ts'
import type { Config } from '../config.ts'
import type { ControlledMaster } from '../control/controlled.ts'
import type { Counters } from '../ops/counters.ts'
import type { MasterGauges, MasterSnapshot } from '../ops/snapshot.ts'
import { gateSnapshot } from '../relay/gate.ts'
import type { Lanes } from '../relay/lanes.ts'
import type { Watcher } from '../sentinel/watcher.ts'
import type { OpenFiles } from '../transport/open-files.ts'
import type { Password } from '../transport/password.ts'
import type { LiveLinks } from '../upstream/live-links.ts'
import type { ServedReplicas } from './served-replicas.ts'

/** What of one master is looked at. */
export interface SeenMaster {
  readonly config: Config
  /** Of Holdfast's own user. */
  readonly password: Password
  readonly files: OpenFiles
  readonly counters: Counters
  readonly lanes: Lanes
  readonly listener: Listener
  readonly watcher: Watcher
  /** The links of this process, by the node they are at. */
  readonly live: LiveLinks
  /** Where it listens, as text. */
  readonly listening: readonly string[]
  /** The master that was served last; null: none yet. */
  served(): Master | null
  /** null: it has none, or they are not loaded yet. */
  replicas(): ServedReplicas | null
}

export interface MasterView {
  /** What the control socket may do with it. */
  readonly controlled: ControlledMaster
  snapshot(): MasterSnapshot
  /** What changes from second to second; cheap enough to be asked for in each. */
  gauges(): MasterGauges
}

export function viewOf(seen: SeenMaster): MasterView {
  const { config, password, files, counters, lanes, listener, watcher, live, listening, served, replicas } = seen
  return {
    controlled: {
      name: config.masterName,
      holdLimitMs: lanes.holdLimitMs,
      pause: lanes.pause,
      dryRun: config.dryRun,
      inFlight: () => lanes.unanswered(),
      sessions: limit => listener.listSessions(limit, counters.detail.waits.sample),
      inFlightSessions: limit =>
        [...listener.inFlightSessions(limit), ...(replicas()?.inFlightAtMaster(limit) ?? [])].slice(0, limit),
      linkIds: () => {
        const master = served()
        return master === null ? [] : live.ids(master)
      },
    },
    snapshot() {
      const master = served()
      return {
        required: config.required,
        listening,
        counters,
        commands: callsByClass(counters.detail.calls),
        gate: gateSnapshot(lanes.gate.state, lanes.holdDetail, performance.now()),
        dryRun: config.dryRun,
        pause: lanes.pause.snapshot(performance.now()),
        lastPause: lanes.pause.lastSnapshot(),
        master: master && { address: formatAddress(master), epoch: master.epoch, runId: master.runId },
        served: master !== null,
        loginRefused: password.isRefused,
        libraries: listener.libraries(),
        sessionStates: listener.sessionStates(),
        links: lanes.census(),
        topology: watcher.status(),
        failovers: lanes.failovers,
        stories: lanes.stories.stories,
        replicas: replicas()?.snapshot() ?? null,
        limits: {
          maxSessions: files.limitFor(config.maxSessions, counters.sessions),
          maxHeldBytes: config.maxHeldBytes,
          holdMs: lanes.holdLimitMs,
        },
      }
    },
    gauges: () => ({
      counters,
      inFlight: lanes.inFlight,
      gate: lanes.pause.isOn && lanes.gate.master !== null ? 'paused' : lanes.gate.state.kind,
      stories: lanes.stories.version,
    }),
  }
}
