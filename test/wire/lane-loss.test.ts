// A link that is lost, or a node that refuses, at every place of a pipeline.
import t from 'tap'
import { createUnit, makeLocal, type RequestHandler } from '../../src/relay/request.ts'
import { encodeCommand } from '../../src/resp/encode.ts'
import { FakeRedis, type Handler } from '../support/fake-redis.ts'
import { waitUntil } from '../support/wait-until.ts'
import { LaneWorld, takesMarkers, told } from './lane-world.ts'

const pipeline = [
  ['SET', 'k', 'v'],
  ['INCR', 'n'],
  ['GET', 'k'],
]
const wire = ['+OK\r\n', ':1\r\n', '$2\r\nv1\r\n']
const shown = ['OK', '1', 'v1']
const unknown = /^-UNKNOWN holdfast: /

/** Answers as `wire` says; counts how often each command ran. */
function counting(runs: Map<string, number>): Handler {
  return ([name = '']) => {
    const place = pipeline.findIndex(([own]) => own === name)
    if (place < 0) return undefined
    runs.set(name, (runs.get(name) ?? 0) + 1)
    return wire[place]
  }
}

/** The first connection runs all three, gives the first `bytes` of their replies, and is gone. */
function cutAfter(bytes: number, rest: Handler): Handler {
  return async (argv, context) => {
    const answer = await rest(argv, context)
    if (context.connection !== 1 || typeof answer !== 'string') return answer
    if (argv[0] !== 'GET') return ''
    return { send: wire.join('').slice(0, bytes), fault: 'cut' }
  }
}

const total = wire.join('').length
for (const policy of ['always', 'safe'] as const) {
  t.test(`loss — leaves each command with exactly one reply — at every byte of the replies, ${policy}`, async t => {
    for (let bytes = 0; bytes <= total; bytes++) {
      const runs = new Map<string, number>()
      const fake = await FakeRedis.start(t, cutAfter(bytes, counting(runs)))
      const world = new LaneWorld(t, fake, { policy })
      world.send(...pipeline)
      const replies = await world.replies(3)
      const whole = wire.filter((_, i) => wire.slice(0, i + 1).join('').length <= bytes).length
      const lost = policy === 'safe' && whole < 2
      t.equal(replies.length, 3, `cut after ${bytes}`)
      t.strictSame([replies[0], replies[2]], [shown[0], shown[2]], `cut after ${bytes}`)
      if (lost) t.match(replies[1], unknown, `cut after ${bytes}: the increment`)
      else t.equal(replies[1], shown[1], `cut after ${bytes}: the increment`)
      t.equal(runs.get('INCR'), whole >= 2 || policy === 'safe' ? 1 : 2, `cut after ${bytes}: increments run`)
      const again = pipeline.slice(whole).filter(([name]) => name !== 'INCR' || policy === 'always')
      // On a busy machine a link may be late, and another one is dialled.
      const afterFirst = Array.from({ length: fake.accepted - 1 }, (_, i) => told(fake, i + 2)).flat()
      const sent = afterFirst.filter(line => !/^(HELLO|PING|CLIENT)/.test(line))
      t.strictSame(
        sent,
        again.map(argv => argv.join(' ')),
        `cut after ${bytes}: sent again`,
      )
      t.equal(world.counters.unknownOutcomes, lost ? 1 : 0)
      await fake.close()
    }
  })
}

t.test('loss — is over for a session that is gone — and nothing of it is sent again', async t => {
  const runs = new Map<string, number>()
  const fake = await FakeRedis.start(t, cutAfter(0, counting(runs)))
  const world = new LaneWorld(t, fake)
  await waitUntil('a link', () => world.lane.link?.status === 'ready', { withinMs: 2000 })
  world.send(...pipeline)
  world.session.gone = true
  await waitUntil('a new link', () => fake.accepted === 2 && world.counters.linksOpened === 2, { withinMs: 3000 })
  t.equal(world.counters.pendingBytes, 0)
  t.equal(runs.get('INCR'), 1)
})

t.test('READONLY — makes worthless all that follows it on the link — and is not seen by the client', async t => {
  for (const policy of ['always', 'safe'] as const) {
    const runs = new Map<string, number>()
    const count = counting(runs)
    const fake = await FakeRedis.start(t, (argv, context) => {
      if (context.connection > 1) return count(argv, context)
      if (argv[0] === 'INCR') return "-READONLY You can't write against a read only replica.\r\n"
      return argv[0] === 'GET' ? '$5\r\nstale\r\n' : count(argv, context)
    })
    const world = new LaneWorld(t, fake, { policy })
    world.send(...pipeline)
    t.strictSame(await world.replies(3), shown, policy)
    t.strictSame([runs.get('SET'), runs.get('INCR'), runs.get('GET')], [1, 1, 1], policy)
    t.equal(world.counters.absorbed, 1)
    t.equal(world.counters.unknownOutcomes, 0, 'what a node has refused did not run')
  }
})

for (const policy of ['always', 'safe'] as const) {
  t.test(`READONLY — leaves open whether a PUBLISH behind it was heard — ${policy}`, async t => {
    const runs = new Map<string, number>()
    const count = (name: string): number => runs.set(name, (runs.get(name) ?? 0) + 1).get(name) ?? 0
    const fake = await FakeRedis.start(t, ([name = ''], context) => {
      if (name !== 'INCR' && name !== 'PUBLISH') return undefined
      if (name === 'INCR' && context.connection === 1)
        return "-READONLY You can't write against a read only replica.\r\n"
      return `:${count(name)}\r\n`
    })
    const world = new LaneWorld(t, fake, { policy })
    world.send(['INCR', 'n'], ['PUBLISH', 'c', 'm'], ['INCR', 'n'])
    world.send(['PUBLISH', 'c', 'm'])
    const replies = await world.replies(4)
    t.strictSame([replies[0], replies[2]], ['1', '2'], 'what the node refused is sent again')
    for (const reply of [replies[1], replies[3]])
      if (policy === 'safe') t.match(reply, unknown)
      else t.match(reply, /^\d$/)
    t.equal(world.counters.unknownOutcomes, policy === 'safe' ? 2 : 0)
    // Whether the first node ran them depends on when it was cut; sent again they were only under `always`.
    const second = told(fake, 2).filter(line => line.startsWith('PUBLISH'))
    t.equal(second.length, policy === 'safe' ? 0 : 2)
  })
}

t.test(
  'loss — of a command that deletes what is there at its time — it is not sent again behind that, safe',
  async t => {
    const fake = await FakeRedis.start(t, ([name]) => (name === 'PEXPIREAT' ? 'cut-after-write' : undefined))
    const world = new LaneWorld(t, fake, { policy: 'safe' })
    await waitUntil('a link', () => world.lane.link?.status === 'ready', { withinMs: 8000 })
    world.send(['PEXPIREAT', 'k', String(Date.now() + 60_000)])
    t.match(await world.replies(1), [unknown])
    t.equal(fake.received.filter(({ argv }) => argv[0] === 'PEXPIREAT').length, 1)
  },
)

for (const marks of [false, true])
  t.test(
    `READONLY — of each link to a node that is confirmed as master — ${marks ? 'with' : 'without'} markers`,
    async t => {
      let serves = false
      const refused = new Set<number>()
      const fake = await FakeRedis.start(t, (argv, context) => {
        if (!serves && argv[0] === 'INCR') {
          refused.add(context.connection)
          return "-READONLY You can't write against a read only replica.\r\n"
        }
        if (argv[0] === 'EXEC' && refused.delete(context.connection))
          return '-EXECABORT Transaction discarded because of previous errors.\r\n'
        return marks ? takesMarkers(argv, context) : argv[0] === 'INCR' ? ':1\r\n' : undefined
      })
      const world = new LaneWorld(t, fake, { marks })
      world.send(['INCR', 'n'])
      const until = performance.now() + 500
      await waitUntil('it was dialled for a while', () => performance.now() > until, { withinMs: 8000 })
      // The longest pause is 40 ms here. Without any, hundreds of links come up in this time.
      const passedMs = performance.now() - until + 500
      t.ok(fake.accepted <= 10 + passedMs / 10, `${fake.accepted} dials in ${passedMs} ms`)
      serves = true
      t.equal((await world.replies(1)).length, 1)
    },
  )

const readonly = "-READONLY You can't write against a read only replica."

t.test('READONLY — of a script in its own words — is passed on at once', async t => {
  const line = '-READONLY said by a script'
  const fake = await FakeRedis.start(t, ([name]) => (name === 'EVAL' ? `${line}\r\n` : undefined))
  const world = new LaneWorld(t, fake)
  world.send(['EVAL', 'x', '0'])
  t.strictSame(await world.replies(1), [line])
  t.equal(fake.accepted, 1)
})

t.test(
  'READONLY — of a script in the server’s words — is passed on when the node says that it is a master',
  async t => {
    const fake = await FakeRedis.start(t, ([name]) => (name === 'EVAL' ? `${readonly}\r\n` : undefined))
    const world = new LaneWorld(t, fake)
    world.send(['EVAL', 'x', '0'], ['PING', 'behind'])
    world.send(['PING', 'too'])
    t.strictSame(await world.replies(3), [readonly, 'behind', 'too'])
    t.equal(fake.accepted, 2, 'asked on a connection of its own')
    t.strictSame(told(fake, 2), ['HELLO 2', 'PING'])
    t.equal(world.counters.linksLost, 0)
    t.equal(told(fake, 1).filter(line => line === 'EVAL x 0').length, 1)
  },
)

t.test('READONLY — of a script in the server’s words — keeps its place before what came in the same bytes', async t => {
  const fake = await FakeRedis.start(t, ([name]) => {
    if (name === 'EVAL') return ''
    return name === 'GET' ? `${readonly}\r\n$6\r\nbehind\r\n` : undefined
  })
  const world = new LaneWorld(t, fake)
  world.send(['EVAL', 'x', '0'], ['GET', 'k'])
  t.strictSame(await world.replies(2), [readonly, 'behind'])
  t.equal(world.counters.linksLost, 0)
})

t.test('READONLY — of a script in the server’s words — is passed on when only the control plane can tell', async t => {
  const fake = await FakeRedis.start(t, ([name], { connection }) => {
    if (connection > 1) return '-ERR max number of clients reached\r\n'
    return name === 'EVAL' ? `${readonly}\r\n` : undefined
  })
  const world = new LaneWorld(t, fake)
  await waitUntil('a link', () => world.lane.link?.status === 'ready', { withinMs: 2000 })
  world.send(['EVAL', 'x', '0'], ['PING', 'behind'])
  t.strictSame(await world.replies(2), [readonly, 'behind'])
  t.ok(world.observed.includes('a refusal in doubt'))
  t.equal(world.counters.linksLost, 0)
})

for (const policy of ['always', 'safe'] as const) {
  t.test(
    `READONLY — of a script in the server’s words — is unknown when the link is lost first, ${policy}`,
    async t => {
      let asked = 0
      const runs = new Map<string, number>()
      const fake = await FakeRedis.start(t, ([name = ''], { connection }) => {
        if (name === 'HELLO' && connection === 2) {
          asked++
          return 'hang'
        }
        if (name !== 'EVAL' && name !== 'INCR') return undefined
        runs.set(name, (runs.get(name) ?? 0) + 1)
        return name === 'EVAL' && connection === 1 ? `${readonly}\r\n` : `:${runs.get(name)}\r\n`
      })
      const world = new LaneWorld(t, fake, { policy })
      world.send(['EVAL', 'x', '0'], ['INCR', 'n'])
      await waitUntil('the question', () => asked === 1, { withinMs: 4000 })
      t.strictSame(world.session.replies, [], 'the reply behind it waits as well')
      fake.dropAll()
      world.lane.link?.cut('the test')
      const replies = await world.replies(2)
      if (policy === 'safe') for (const reply of replies) t.match(reply, unknown)
      else t.strictSame(replies, ['2', '2'])
      t.ok(
        fake.received.some(({ argv }) => argv.join(' ') === 'CLIENT KILL ID 1'),
        'what hangs is ended first',
      )
    },
  )

  t.test(
    `READONLY — of a script on a node that is a replica — judges what is behind it by its replies, ${policy}`,
    async t => {
      const runs = new Map<string, number>()
      const fake = await FakeRedis.start(t, ([name = '', key = ''], { connection }) => {
        if (name === 'HELLO') fake.role = connection === 2 ? 'slave' : 'master'
        if (connection === 1 && (name === 'EVAL' || key === 'refused')) return `${readonly}\r\n`
        if (name === 'GET') return `$1\r\n${connection === 1 ? 's' : 'v'}\r\n`
        if (name !== 'EVAL' && name !== 'INCR') return undefined
        const id = `${name} ${key}`
        runs.set(id, (runs.get(id) ?? 0) + 1)
        return `:${runs.get(id)}\r\n`
      })
      const world = new LaneWorld(t, fake, { policy })
      world.send(['EVAL', 'x', '0'], ['INCR', 'ran'], ['INCR', 'refused'], ['GET', 'k'])
      world.send(['GET', 'k'])
      const [script, ran, refused, ...read] = await world.replies(5)
      t.strictSame([script, refused], ['1', '1'], 'refused, and sent again')
      t.strictSame(read, ['v', 'v'], 'read again')
      if (policy === 'safe') t.match(ran, unknown, 'it had run, on a node that is none to trust')
      else t.equal(ran, '2')
      t.equal(world.counters.unknownOutcomes, policy === 'safe' ? 1 : 0)
    },
  )
}

t.test('NOREPLICAS — is waited out — and those behind it keep their order', async t => {
  let refusals = 2
  let runs = 0
  const fake = await FakeRedis.start(t, ([name]) => {
    if (name === 'GET') return '$1\r\nv\r\n'
    if (name !== 'INCR') return undefined
    return refusals-- > 0 ? '-NOREPLICAS Not enough good replicas to write.\r\n' : `:${++runs}\r\n`
  })
  const world = new LaneWorld(t, fake)
  world.send(['INCR', 'a'], ['INCR', 'b'], ['GET', 'a'])
  world.send(['INCR', 'c'])
  t.strictSame(await world.replies(4), ['2', '3', 'v', '1'], 'the last had run before; it waits for its turn')
  t.equal(fake.accepted, 1)
})

t.test('NOREPLICAS — inside a transaction — sends the whole again', async t => {
  let refused = false
  let queued = 0
  const fake = await FakeRedis.start(t, ([name]) => {
    if (name === 'MULTI') {
      queued = 0
      return '+OK\r\n'
    }
    if (name === 'EXEC') {
      if (queued === 1) return '*1\r\n:1\r\n'
      return '-EXECABORT Transaction discarded because of previous errors.\r\n'
    }
    if (name === 'GET') return '$1\r\nv\r\n'
    if (name !== 'INCR') return undefined
    if (!refused) {
      refused = true
      return '-NOREPLICAS Not enough good replicas to write.\r\n'
    }
    queued++
    return '+QUEUED\r\n'
  })
  const world = new LaneWorld(t, fake)
  world.sendUnit(['MULTI'], ['INCR', 'n'], ['EXEC'])
  world.send(['GET', 'k'])
  t.strictSame(await world.replies(4), ['OK', 'QUEUED', '1', 'v'])
})

t.test('silence — is reported — while a link owes a reply', async t => {
  const fake = await FakeRedis.start(t, ([name]) => (name === 'GET' ? 'hang' : undefined))
  const world = new LaneWorld(t, fake)
  world.send(['GET', 'k'])
  await waitUntil('an observation', () => world.observed.includes('link silent'), { withinMs: 3000 })
  t.equal(world.counters.linksLost, 0, 'the link is not cut for that alone')
  fake.handler = ([name]) => (name === 'GET' ? '$1\r\nv\r\n' : undefined)
  world.lane.link?.cut('the test')
  t.strictSame(await world.replies(1), ['v'])
  t.equal(told(fake, 2)[1], 'CLIENT KILL ID 1', 'what hangs is ended first')
})

t.test('hold — lets what is in flight finish and sends nothing new — until a master is served', async t => {
  let release: (() => void) | undefined
  const held = new Promise<void>(resolve => {
    release = resolve
  })
  const fake = await FakeRedis.start(t, async ([name, key]) => {
    if (name !== 'GET') return undefined
    if (key === 'first') await held
    return `$1\r\n${key?.[0]}\r\n`
  })
  const world = new LaneWorld(t, fake)
  world.send(['GET', 'first'])
  await waitUntil('the first is there', () => told(fake, 1).includes('GET first'), { withinMs: 2000 })
  world.lanes.hold('failover-announced', 'a test')
  world.send(['GET', 'second'])
  release?.()
  await waitUntil('the first reply', () => world.session.replies.length === 1, { withinMs: 2000 })
  t.notOk(told(fake, 1).includes('GET second'))
  world.lanes.serve({ host: fake.host, port: fake.port, epoch: 1, runId: 'run' })
  t.strictSame(await world.replies(2), ['f', 's'])
  t.equal(fake.accepted, 1, 'on the same link')
})

t.test('hold — ends with an error for each command — when nobody is served in time', async t => {
  const fake = await FakeRedis.start(t, counting(new Map()))
  const world = new LaneWorld(t, fake, { holdTimeoutMs: 200 })
  world.master = null
  world.lanes.hold('not-master', 'the test')
  world.send(...pipeline)
  const replies = await world.replies(3)
  for (const reply of replies) t.match(reply, /^-TRYAGAIN holdfast: .* was not run$/)
  t.equal(world.lanes.gate.state.kind, 'tripped')
  world.send(['GET', 'k'])
  t.match((await world.replies(4))[3], /^-TRYAGAIN /, 'at once')
  world.lanes.serve({ host: fake.host, port: fake.port, epoch: 2, runId: 'run' })
  world.send(['GET', 'k'])
  t.equal((await world.replies(5))[4], 'v1')
})

t.test(
  'a request that its handler answers as it is sent — is answered at once — on a link that owes nothing',
  async t => {
    const fake = await FakeRedis.start(t)
    const world = new LaneWorld(t, fake)
    await waitUntil('a link', () => world.lane.link?.status === 'ready', { withinMs: 2000 })
    const handler: RequestHandler = {
      onSend: request => makeLocal(request, Buffer.from('+INSTEAD\r\n')),
      onReply() {},
      onReplay() {},
      onFailed() {},
    }
    world.submit(createUnit(world.session, encodeCommand(['EXEC']), 1, 1, handler))
    t.strictSame(world.session.replies, ['INSTEAD'])
    await world.replies(1)
  },
)

for (const readsOnly of [false, true]) {
  const port = readsOnly ? ', on the port for replicas' : ''
  t.test(
    `a command that the server ends each link for — gets an error — and what others sent is answered${port}`,
    async t => {
      const fake = await FakeRedis.start(t, ([name = '']) => {
        if (name === 'HGETALL') return { send: '', fault: 'cut' }
        return name === 'GET' ? '$1\r\nv\r\n' : undefined
      })
      const world = new LaneWorld(t, fake, { readsOnly })
      world.send(['GET', 'before'])
      world.send(['GET', 'k'], ['HGETALL', 'large'], ['GET', 'l'])
      world.send(['GET', 'behind'])
      const replies = await world.replies(5)
      t.strictSame([...replies.slice(0, 2), ...replies.slice(3)], ['v', 'v', 'v', 'v'])
      t.match(replies[2], /^-ERR holdfast: the server closed the connection each time .*; nothing was changed/)
      t.equal(world.counters.unknownOutcomes, 0, 'a read is no unknown outcome')
      const sent = fake.received.filter(({ argv }) => argv[0] === 'HGETALL')
      t.ok(sent.length < 12, `it was sent ${sent.length} times`)
    },
  )
}

t.test('a link that is lost over and over — is no command’s fault — where it has replies in between', async t => {
  const fake = await FakeRedis.start(t, ([name = ''], { connection }) => {
    if (name !== 'GET') return undefined
    return connection < 8 && connection % 2 === 1 ? { send: '', fault: 'cut' } : '$1\r\nv\r\n'
  })
  const world = new LaneWorld(t, fake)
  for (let i = 0; i < 8; i++) world.send(['GET', `k${i}`])
  t.strictSame(await world.replies(8), new Array(8).fill('v'))
})
