// sentinel-port-list.ts: known bugs of the port that speaks Sentinel.
import type { Mutation } from './mutation.ts'

const apps = 'test/failover/apps-sentinel-port.test.ts'
const wire = 'test/wire/sentinel-port.test.ts'
const access = 'test/failover/sentinel-port-access.test.ts'

export const sentinelPortMutations: readonly Mutation[] = [
  {
    name: 'a Sentinel port that asks for nothing is not told of where one of several masters asks',
    file: 'src/config/exposed-listeners.ts',
    from: 'const asksPassword = configs.every(one',
    to: 'const asksPassword = configs.some(one',
    breaks: 'a port that other machines reach and that asks for nothing is told',
    test: 'test/unit/config-exposure.test.ts',
    shows: /of several masters/,
  },
  {
    name: 'the Sentinel port answers who has not signed in',
    file: 'src/sentinel-port/asker.ts',
    from: 'if (!this.#signedIn && !openToStrangers.has(name)) return noAuth',
    to: 'if (this.#protocol === 0 && !openToStrangers.has(name)) return noAuth',
    breaks: 'a stranger is not told where Holdfast is',
    test: access,
    shows: /answers as a Sentinel that has one/,
  },
  {
    name: 'the Sentinel port names a master for every name',
    file: 'src/sentinel-port/sentinel-answers.ts',
    from: 'told.masters.find(({ masterName }) => masterName === name)',
    to: "told.masters.find(() => name !== '')",
    breaks: "unknown names get Sentinel's own answer",
    test: apps,
    shows: /answers as a Sentinel does/,
  },
  {
    name: 'who asks and does not read fills the memory',
    file: 'src/sentinel-port/sentinel-port.ts',
    from: "while (!socket.writableNeedDrain && reader.hasMore) socket.write(reader.read(), 'latin1')\n        if (reader.over) endSoon(socket)\n        else if (socket.writableNeedDrain) socket.pause()",
    to: "while (reader.hasMore) socket.write(reader.read(), 'latin1')\n        if (reader.over) endSoon(socket)",
    breaks: 'a client that does not read its answers is not read from',
    test: wire,
    shows: /it is not read from/,
  },
  {
    name: 'the Sentinel port lets in more than --max-sessions',
    file: 'src/proxy/sentinel-port-entry.ts',
    from: 'if (maxSessions === 0 || sentinelPort.size < maxSessions)',
    to: 'if (maxSessions >= 0 || sentinelPort.size < maxSessions)',
    breaks: 'a client beyond the limit is told so',
    test: 'test/wire/open-files-ports.test.ts',
    shows: /than --max-sessions/,
  },
  {
    name: 'a question without an end is kept',
    file: 'src/sentinel-port/sentinel-port.ts',
    from: 'if (this.#partialBytes > MAX_COMMAND_BYTES)',
    to: 'if (this.#partialBytes < 0)',
    breaks: 'no client of the Sentinel port keeps more than a question',
    test: wire,
    shows: /a question without an end/,
  },
]
