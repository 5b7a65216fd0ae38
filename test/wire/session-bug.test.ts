// An exception in what is done for one session ends that session: its neighbours on the same link keep their sockets,
// their replies and their order, and the accounts are right afterwards. The exceptions are planted in the program's own
// classes.
import t, { type Test } from 'tap'
import { OneReply } from '../../src/client/commands/one-reply-handler.ts'
import { Scan } from '../../src/client/commands/scan.ts'
import { Blocking } from '../../src/client/commands/send-blocking.ts'
import { Subscribing } from '../../src/client/commands/subscribe.ts'
import { LaneChoice } from '../../src/client/session/lane-choice.ts'
import { Reader } from '../../src/client/session/reader.ts'
import { Session } from '../../src/client/session/session.ts'
import { LaneDeadlines } from '../../src/relay/lane-deadlines.ts'
import { LaneReplies } from '../../src/relay/lane-replies.ts'
import { Watcher } from '../../src/sentinel/watcher.ts'
import { startSingle } from '../support/holdfast.ts'
import { RespClient } from '../support/resp-client.ts'
import { waitUntil } from '../support/wait-until.ts'

type Method = (this: unknown, ...args: never[]) => unknown

/** From now on `method` of every such object throws when `when` says so; as before after the test. */
function plant(t: Test, prototype: object, method: string, when: (self: unknown, args: unknown[]) => boolean): void {
  const was = Object.getOwnPropertyDescriptor(prototype, method)
  if (was === undefined) throw new Error(`there is no ${method}`)
  const original: Method = was.value ?? was.get
  const planted = function (this: unknown, ...args: never[]): unknown {
    if (when(this, args)) throw new RangeError('planted')
    return original.apply(this, args)
  }
  Object.defineProperty(prototype, method, was.get ? { ...was, get: planted } : { ...was, value: planted })
  t.teardown(() => Object.defineProperty(prototype, method, was))
}

const always = (): boolean => true
const mentions = (args: unknown[]): boolean => args.some(arg => Buffer.isBuffer(arg) && arg.includes('poison'))
/** The victim is the first client. */
const isVictim = (self: unknown): boolean => self instanceof Session && self.id === 1

interface Case {
  readonly name: string
  readonly plant: (t: Test) => void
  /** What the victim sends. */
  readonly commands: readonly (readonly string[])[]
  /** Sent to the node when the commands are on their way. */
  readonly afterwards?: readonly string[]
}

const cases: readonly Case[] = [
  {
    name: 'the handler of a reply on the shared link',
    plant: t => plant(t, Scan.prototype, 'onReply', always),
    commands: [
      ['GET', 'a'],
      ['SCAN', '0'],
      ['GET', 'a'],
    ],
  },
  {
    name: 'what a handler does before its command is sent',
    plant: t => plant(t, Scan.prototype, 'onSend', always),
    commands: [
      ['GET', 'a'],
      ['SCAN', '0'],
      ['GET', 'a'],
    ],
  },
  {
    name: 'the first reply of a scoped command in another database',
    plant: t => plant(t, OneReply.prototype, 'onReply', always),
    commands: [
      ['GET', 'a'],
      ['SELECT', '3'],
    ],
  },
  {
    name: 'the handler of a reply on a link of its own',
    plant: t => plant(t, Subscribing.prototype, 'onReply', always),
    commands: [['SUBSCRIBE', 'x', 'y']],
  },
  {
    name: 'reading what the client sent',
    plant: t => plant(t, Reader.prototype, 'read', (_, args) => mentions(args)),
    commands: [
      ['GET', 'a'],
      ['ECHO', 'poison'],
    ],
  },
  {
    name: 'writing to the client',
    plant: t => plant(t, Session.prototype, 'flush', isVictim),
    commands: [
      ['GET', 'a'],
      ['GET', 'b'],
    ],
  },
  {
    name: 'what follows the last reply',
    plant: t => plant(t, LaneChoice.prototype, 'canShare', always),
    commands: [['BLPOP', 'nothing', '0.01']],
  },
  {
    name: 'what is put off until the end of the turn',
    plant: t => plant(t, LaneChoice.prototype, 'leavePrivate', always),
    commands: [['BLPOP', 'nothing', '0.01']],
  },
  {
    name: 'sending a command again',
    plant: t => plant(t, Blocking.prototype, 'onReplay', always),
    // Under each policy.
    commands: [['XREAD', 'BLOCK', '0', 'STREAMS', 'nothing', '0']],
    afterwards: ['CLIENT', 'KILL', 'TYPE', 'normal'],
  },
  {
    name: 'passing its reply on, in the relay itself',
    plant: t => plant(t, LaneReplies.prototype, 'onReplies', (_, args) => mentions(args)),
    commands: [
      ['GET', 'a'],
      ['ECHO', 'poison'],
      ['GET', 'a'],
    ],
  },
]

for (const one of cases) {
  t.test(`an exception — ends the session it was thrown for, and no other — in ${one.name}`, async t => {
    const { holdfast, node } = await startSingle(t, { expectedErrors: ['session.bug'] })
    const victim = await RespClient.connect(holdfast.port)
    const other = await RespClient.connect(holdfast.port)
    t.teardown(() => victim.close())
    t.teardown(() => other.close())
    t.equal(await other.send('SET', 'a', '1'), 'OK')
    t.equal(await victim.send('GET', 'a'), '1')
    one.plant(t)
    const numbers = Array.from({ length: 200 }, (_, i) => String(i))
    const echoes = numbers.map(number => other.send('ECHO', number))
    const replies = victim.pipeline(one.commands).then(
      () => 'answered',
      () => 'ended',
    )
    if (one.afterwards) {
      await waitUntil('it waits at the server', () => holdfast.find('link.ready', 1) !== undefined, {
        withinMs: 20_000,
      })
      const admin = await RespClient.connect(node.port)
      t.teardown(() => admin.close())
      const blocked = async (): Promise<boolean> =>
        String(await admin.send('INFO', 'clients')).includes('blocked_clients:1')
      await waitUntil('it blocks', blocked, { withinMs: 20_000 })
      await admin.send(...one.afterwards)
    }
    const line = await waitUntil('the log says so', () => holdfast.find('session.bug'), { withinMs: 20_000 })
    t.match(line, { session: 1, err: { message: 'planted', stack: /session-bug\.test/ } })
    const gone = (): boolean => holdfast.find('session.closed') !== undefined
    await waitUntil('the session is over', gone, { withinMs: 20_000 })
    t.equal(holdfast.counters.bugEnded, 1)
    t.equal(holdfast.counters.bugs, 0)
    t.strictSame(await Promise.all(echoes), numbers, 'the other session has its replies, in order')
    t.equal(await other.send('GET', 'a'), '1')
    t.equal(holdfast.counters.sessions, 1)
    const settled = (): boolean => holdfast.counters.pendingBytes === 0
    await waitUntil('nothing is left pending', settled, { withinMs: 20_000 })
    t.ok(['ended', 'answered'].includes(await Promise.race([replies, Promise.resolve('ended')])))
  })
}

t.test('an exception — loses one step and no client — in the control plane and in the sweep', async t => {
  const { holdfast, sentinel } = await startSingle(t, { expectedErrors: ['process.bug'] })
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  t.equal(await client.send('SET', 'a', '1'), 'OK')
  let left = 3
  const few = (): boolean => left-- > 0
  plant(t, Watcher.prototype, 'status', few)
  plant(t, LaneDeadlines.prototype, 'expire', few)
  await waitUntil('they were thrown', () => left <= 0, { withinMs: 20_000 })
  await waitUntil('the log says so', () => holdfast.find('process.bug'), { withinMs: 20_000 })
  t.equal(await client.send('GET', 'a'), '1')
  t.ok(sentinel)
})
