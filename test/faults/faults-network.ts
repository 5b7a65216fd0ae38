// faults-network.ts: what happens to the network between Holdfast and the master; the Sentinels' own stays whole.
import { connect } from 'node:net'
import { asyncLoss, linkLost } from './reasons.ts'
import type { Fault, World } from './types.ts'

const times = 5

export const networkFaults: readonly Fault[] = [
  {
    name: 'cut',
    group: 'network',
    what: `every link to the master is ended (FIN) at a random moment, ${times} times, and for 0.3 s no new one comes about`,
    failsOver: false,
    faultyLinks: true,
    strike: world =>
      repeatedly(world, async ({ link, master, last }) => {
        link(master).refuse()
        link(master).cut()
        await last(300)
        link(master).accept()
      }),
    allowed: linkLost,
  },
  {
    name: 'cut-in-command',
    group: 'network',
    what: `the links are ended in the middle of a command on its way to the master, ${times} times`,
    failsOver: false,
    faultyLinks: true,
    strike: world =>
      repeatedly(world, async ({ link, master, random, last }) => {
        link(master).cutAfterBytes('up', random.int(1, 20_000))
        await last(200)
      }),
    allowed: linkLost,
  },
  {
    name: 'cut-after-command',
    group: 'network',
    what: `commands arrive at the master and their replies are lost with the links, ${times} times`,
    failsOver: false,
    faultyLinks: true,
    strike: world =>
      repeatedly(world, async ({ link, master, last }) => {
        link(master).stall('down')
        await last(80)
        link(master).cut()
        link(master).resume()
      }),
    allowed: linkLost,
  },
  {
    name: 'cut-in-reply',
    group: 'network',
    what: `the links are ended in the middle of a reply, ${times} times`,
    failsOver: false,
    faultyLinks: true,
    strike: world =>
      repeatedly(world, async ({ link, master, random, last }) => {
        link(master).cutAfterBytes('down', random.int(1, 20_000))
        await last(200)
      }),
    allowed: linkLost,
  },
  {
    name: 'reset',
    group: 'network',
    what: `the links are reset (RST), ${times} times`,
    failsOver: false,
    faultyLinks: true,
    strike: world => repeatedly(world, async ({ link, master }) => link(master).reset()),
    allowed: linkLost,
  },
  {
    name: 'stall-up',
    group: 'network',
    what: 'nothing reaches the master for 1.5 s; then all of it does',
    failsOver: false,
    faultyLinks: true,
    strike: world => stalled(world, 'up', 1500),
    allowed: linkLost,
  },
  {
    name: 'stall-down',
    group: 'network',
    what: 'nothing comes from the master for 1.5 s; then all of it does',
    failsOver: false,
    faultyLinks: true,
    strike: world => stalled(world, 'down', 1500),
    allowed: linkLost,
  },
  {
    name: 'partition',
    group: 'network',
    what: 'nothing passes between Holdfast and the master for 7 s, and the Sentinels see nothing wrong',
    failsOver: false,
    faultyLinks: true,
    strike: world => stalled(world, 'both', 7000),
    allowed: linkLost,
  },
  {
    name: 'slow',
    group: 'network',
    what: 'for 3 s every byte is 40 ms late each way, and 1400 of them pass at a time',
    failsOver: false,
    faultyLinks: true,
    strike: async ({ link, master, last }) => {
      link(master).delay(40)
      link(master).slice(1400)
      await last(3000)
      link(master).delay(0)
      link(master).slice(0)
    },
    allowed: [],
  },
  {
    name: 'blackhole',
    group: 'network',
    what: 'the master falls silent and its address swallows every SYN (stopped, its backlog full), until another one is elected',
    failsOver: true,
    set: { dataConfig: ['tcp-backlog 128'] },
    strike: async ({ set, master, newMaster, defer }) => {
      await set.stop(master)
      for (let n = 0; n < 300; n++) {
        const socket = connect({ host: master.host, port: master.port })
        socket.on('error', () => {})
        defer(() => socket.destroy())
      }
      await newMaster(master)
    },
    allowed: [asyncLoss, ...linkLost],
  },
]

async function repeatedly(world: World, once: (world: World) => Promise<void>): Promise<void> {
  for (let n = 0; n < times; n++) {
    await world.last(world.random.int(0, 60))
    await once(world)
    await world.everyoneServed()
  }
}

async function stalled({ link, master, last }: World, direction: 'up' | 'down' | 'both', ms: number): Promise<void> {
  link(master).stall(direction)
  await last(ms)
  link(master).resume()
}
