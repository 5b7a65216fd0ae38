// CLIENT TRACKING when one link is lost and the master stays: whoever caches is told to forget, and hears of changes
// again, in every mode.
import t, { type Test } from 'tap'
import { type LogLine, startSingle } from '../support/holdfast.ts'
import { type Argument, ask, RespClient, RespError, type Value } from '../support/resp-client.ts'
import { RespPush } from '../support/resp-decoder.ts'
import { waitUntil } from '../support/wait-until.ts'

type Single = Awaited<ReturnType<typeof startSingle>>

for (const protocol of [2, 3] as const) {
  t.test(`CLIENT TRACKING with REDIRECT — a link is lost — RESP${protocol}`, async t => {
    const at = await startSingle(t, { expectedErrors: ['session.restore_failed'] })

    await t.test('prefixes — the target’s link', async t => {
      const { reader, listener } = await pair(t, at, protocol, { options: ['BCAST', 'PREFIX', 'a'] })
      await reader.tracks('BCAST', 'PREFIX', 'b')
      await listener.losesLink()
      await listener.hears(null)
      await isHeard(at, listener, 'a1')
      await isHeard(at, listener, 'b1')
    })

    await t.test('prefixes of two commands — the tracker’s link', async t => {
      const { reader, listener } = await pair(t, at, protocol, { options: ['BCAST', 'PREFIX', 'a'] })
      await reader.tracks('BCAST', 'PREFIX', 'b')
      await reader.losesLink()
      await listener.hears(null)
      await isHeard(at, listener, 'a2')
      await isHeard(at, listener, 'b2')
    })

    for (const who of ['reader', 'listener'] as const) {
      await t.test(`CLIENT CACHING was answered — the link of the ${who}`, async t => {
        const clients = await pair(t, at, protocol, { options: ['OPTIN'] })
        t.equal(await clients.reader.send('CLIENT', 'CACHING', 'YES'), 'OK')
        await clients[who].losesLink()
        await clients.listener.hears(null)
        await clients.reader.send('GET', `asked-${who}`)
        await isHeard(at, clients.listener, `asked-${who}`)
      })
    }

    await t.test('a target that has not subscribed — no message in the place of a reply', async t => {
      const [reader, target] = [await Party.join(t, at, protocol), await Party.join(t, at, protocol)]
      t.equal(await reader.send('CLIENT', 'TRACKING', 'ON', 'REDIRECT', target.id), 'OK')
      const before = await reader.serverId()
      await reader.losesLink()
      await waitUntil('it has a new link', async () => (await reader.serverId()) !== before, { withinMs: 30_000 })
      // Behind it on the same link: what was said for the session is answered.
      await reader.send('PING')
      t.equal(await target.send('ECHO', 'hello'), 'hello')
      if (protocol === 2) t.strictSame(target.heard, [])
    })

    await t.test('the server refuses it on the new link — the target forgets, and the log says so', async t => {
      const name = `app${protocol}`
      const grant = (...rules: string[]): Promise<Value> => ask(at.node, ['ACL', 'SETUSER', name, ...rules])
      await grant('on', 'nopass', '~*', '&*', '+@all')
      const { reader, listener } = await pair(t, at, protocol, { user: name })
      await reader.send('GET', 'k')
      await grant('-client|tracking')
      await reader.losesLink()
      await listener.hears(null)
      await waitUntil('the line', () => at.holdfast.find('session.restore_failed'), { withinMs: 30_000 })
    })
    await at.holdfast.stop()
  })
}

t.test('CLIENT CACHING — held with its link lost — is taken by a session that redirects', async t => {
  const at = await startSingle(t)
  const { reader, listener } = await pair(t, at, 2, { options: ['OPTIN'] })
  const stays = ask(at.node, ['DEBUG', 'SLEEP', '0.3'])
  const kill = ask(at.node, ['CLIENT', 'KILL', 'ID', await reader.serverId()])
  const caching = reader.send('CLIENT', 'CACHING', 'YES')
  const read = reader.send('GET', 'k')
  await Promise.all([stays, kill])
  t.equal(await caching, 'OK')
  t.equal(await read, null)
  await listener.hears(null)
  await at.holdfast.stop()
})

t.test(
  'CLIENT TRACKING with REDIRECT — a standstill when the link is ready — the target is told to forget',
  async t => {
    const at = await startSingle(t)
    const { reader, listener } = await pair(t, at, 3)
    await reader.send('GET', 'k')
    const counted = (): number => at.holdfast.counters.detail.holds.get('stood-still')
    const before = counted()
    standStillAtNextLink(at)
    await listener.losesLink()
    await listener.hears(null)
    t.ok(counted() > before, 'what was to be written then was taken back')
    await reader.send('GET', 'k')
    await isHeard(at, listener, 'k')
    await at.holdfast.stop()
  },
)

t.test('CLIENT TRACKING with REDIRECT — the master is busy when the target has a new link — is told again', async t => {
  // A master that is busy confirms nothing: a committed read would wait for the script's end.
  const at = await startSingle(t, { options: { ack: 'master' } })
  const [reader, target] = [await Party.join(t, at, 3), await Party.join(t, at, 3)]
  reader.listener = target
  await reader.tracks()
  await reader.send('GET', 'k')
  const id = await target.serverId()
  // Where nothing has to be told on it, a link comes up behind a script.
  await target.send('CLIENT', 'SETNAME', '')
  const [caller, direct] = [await RespClient.connect(at.node.port), await RespClient.connect(at.node.port)]
  for (const client of [caller, direct]) t.teardown(() => client.close())
  await direct.send('CONFIG', 'SET', 'busy-reply-threshold', '10')
  const from = at.holdfast.log.length
  const script = caller.pipeline([
    ['CLIENT', 'KILL', 'ID', id],
    ['EVAL', 'while true do end', '0'],
  ])
  const isUp = (): boolean =>
    at.holdfast.log.slice(from).some(({ event, kind }) => event === 'link.ready' && kind === 'private')
  await waitUntil('the target has a new link', isUp, { withinMs: 30_000 })
  // Behind what was said for its session on the same link.
  t.match(await reader.send('GET', 'k'), { code: 'BUSY' })
  t.equal(await direct.send('SCRIPT', 'KILL'), 'OK')
  await script
  await target.hears(null)
  t.equal(await reader.send('GET', 'k'), null)
  await isHeard(at, target, 'k')
  await at.holdfast.stop()
})

// A server loses what changes in between, so nobody keeps a cache over OFF: it need not be told to forget it.
t.test('CLIENT TRACKING — off and on again — says nothing of its own, as a server does', async t => {
  const at = await startSingle(t)
  for (const protocol of [2, 3] as const) {
    const { reader, listener } = await pair(t, at, protocol)
    await reader.send('GET', 'k')
    t.equal(await reader.send('CLIENT', 'TRACKING', 'OFF'), 'OK')
    await reader.tracks('OPTOUT')
    await reader.send('GET', 'k')
    await isHeard(at, listener, 'k')
    t.notOk(listener.heard.includes(null))
  }
  await at.holdfast.stop()
})

t.test('CLIENT TRACKING ON — refused — leaves the target before it in force', async t => {
  const at = await startSingle(t)
  const { reader, listener } = await pair(t, at, 3, { options: ['BCAST', 'PREFIX', 'a'] })
  const other = await Party.join(t, at, 3)
  const refused = await reader.send('CLIENT', 'TRACKING', 'ON', 'OPTIN', 'REDIRECT', other.id)
  t.ok(refused instanceof RespError, String(refused))
  await listener.losesLink()
  await listener.hears(null)
  await isHeard(at, listener, 'a1')
  await at.holdfast.stop()
})

/** One client, with a name by which the server lists its own link. */
class Party {
  static #count = 0
  readonly #at: Single
  readonly #client: RespClient
  readonly #name = `party-${Party.#count++}`
  readonly #id: string
  /** Who hears of what it has read. */
  listener: Party = this

  private constructor(at: Single, client: RespClient, id: string) {
    this.#at = at
    this.#client = client
    this.#id = id
  }

  static async join(t: Test, at: Single, protocol: 2 | 3, user?: string): Promise<Party> {
    const client = await RespClient.connect(at.holdfast.port)
    t.teardown(() => client.close())
    if (user) await client.send('AUTH', user, '-')
    const party = new Party(at, client, String(await client.send('CLIENT', 'ID')))
    await client.send('HELLO', protocol)
    await client.send('CLIENT', 'SETNAME', party.#name)
    return party
  }

  send(...args: Argument[]): Promise<Value> {
    return this.#client.send(...args)
  }

  get id(): string {
    return this.#id
  }

  async tracks(...options: string[]): Promise<void> {
    const reply = await this.send('CLIENT', 'TRACKING', 'ON', 'REDIRECT', this.listener.id, ...options)
    if (reply !== 'OK') throw new Error(String(reply))
  }

  /** The id of its own link at the server; '' when it has none. */
  async serverId(): Promise<string> {
    const list = String(await ask(this.#at.node, ['CLIENT', 'LIST']))
    return new RegExp(`^id=(\\d+) .* name=${this.#name} `, 'm').exec(list)?.[1] ?? ''
  }

  async losesLink(): Promise<void> {
    this.listener.#client.pushes.length = 0
    await ask(this.#at.node, ['CLIENT', 'KILL', 'ID', await this.serverId()])
  }

  get heard(): Value[] {
    return this.#client.pushes.map(push => (push instanceof RespPush ? push.items : push) as Value[]).map(last)
  }

  async hears(what: Value): Promise<void> {
    const text = JSON.stringify(what)
    await waitUntil(`${text} is heard`, () => this.heard.some(one => JSON.stringify(one) === text), {
      withinMs: 30_000,
    })
  }
}

const last = (items: Value[]): Value => items.at(-1) ?? null

/** A reader whose invalidations go to a listener. */
async function pair(
  t: Test,
  at: Single,
  protocol: 2 | 3,
  { options = [], user }: { options?: string[]; user?: string } = {},
): Promise<{ reader: Party; listener: Party }> {
  const listener = await Party.join(t, at, protocol)
  const reader = await Party.join(t, at, protocol, user)
  reader.listener = listener
  await listener.send('SUBSCRIBE', '__redis__:invalidate')
  await reader.tracks(...options)
  return { reader, listener }
}

/** The line is written in the step that finds the link ready, before anything is said on it for the session. */
function standStillAtNextLink({ holdfast }: Single): void {
  const log = holdfast.log as LogLine[]
  const push = log.push.bind(log)
  log.push = (...lines) => {
    if (lines.some(({ event, kind }) => event === 'link.ready' && kind === 'private')) {
      log.push = push
      const until = performance.now() + 1_000
      while (performance.now() < until);
    }
    return push(...lines)
  }
}

async function isHeard(at: Single, listener: Party, key: string): Promise<void> {
  await ask(at.node, ['SET', key, 'changed'])
  await listener.hears([key])
}
