// split-load.ts: sessions that write and read at the master's port, and a judge that knows what each reply must be.
//
// Each session has keys of its own, so every read of them has one right answer: what the session wrote last. The commands
// of a pipeline are drawn at random, so a reply out of its place is a wrong one, too.
// Never: knows what happens to the servers meanwhile.
import { type Argument, RespClient, RespError, type Value } from '../support/resp-client.ts'
import { encodeCommand } from '../support/resp-decoder.ts'
import { waitUntil } from '../support/wait-until.ts'

export interface SplitVerdict {
  readonly commands: number
  readonly reads: number
  /** Replies that were not what the session had written; of `wrong` the first few. */
  readonly wrongs: number
  readonly wrong: readonly string[]
  readonly errors: readonly string[]
  /** The longest that a pipeline took, ms. */
  readonly longestMs: number
}

export interface SplitLoad {
  readonly commands: number
  /** Answers when every session has had two more pipelines answered. */
  goOn(what: string, withinMs?: number): Promise<void>
  stop(): Promise<SplitVerdict>
}

export interface SplitLoadOptions {
  readonly sessions?: number
  /** Of all commands. */
  readonly writeShare?: number
  /** Commands in one write, at most. */
  readonly depth?: number
  /** Between two pipelines of a session. */
  readonly everyMs?: number
  /** A pipeline leaves in several writes, cut anywhere, and nobody waits for replies between them. */
  readonly inPieces?: boolean
  /** Ends by itself after so many commands. */
  readonly limit?: number
  readonly seed?: number
}

const KEYS = 3
const MOST_KEPT = 20

export async function startSplitLoad(port: number, options: SplitLoadOptions = {}): Promise<SplitLoad> {
  const { sessions = 8, everyMs = 2, limit = Number.POSITIVE_INFINITY, inPieces = false } = options
  const found = { commands: 0, reads: 0, wrongs: 0, wrong: [] as string[], errors: [] as string[], longestMs: 0 }
  const rounds: number[] = []
  let isOver = false
  const run = async (client: RespClient, session: number): Promise<void> => {
    const writer = new Writer(session, options)
    while (!isOver && found.commands < limit) {
      const { commands, expected } = writer.draw()
      const sentAt = performance.now()
      const replies = await (inPieces ? sendInPieces(client, commands, writer.random) : client.pipeline(commands))
      found.longestMs = Math.max(found.longestMs, performance.now() - sentAt)
      found.commands += commands.length
      replies.forEach((reply, i) => {
        if (commands[i]?.[0] === 'GET' || commands[i]?.[0] === 'MGET') found.reads++
        judge(`session ${session}: ${commands[i]?.join(' ')}`, reply, expected[i] ?? null)
      })
      rounds[session] = (rounds[session] ?? 0) + 1
      if (everyMs > 0) await new Promise(resolve => setTimeout(resolve, everyMs))
    }
  }
  const judge = (command: string, reply: Value, expected: Expected): void => {
    if (reply instanceof RespError) found.errors.push(`${command}: ${reply.message}`)
    else if (JSON.stringify(reply) !== JSON.stringify(expected)) {
      found.wrongs++
      if (found.wrong.length < MOST_KEPT)
        found.wrong.push(`${command}: ${JSON.stringify(reply)}, not ${JSON.stringify(expected)}`)
    }
  }
  const clients = await Promise.all(Array.from({ length: sessions }, () => RespClient.connect(port)))
  const work = clients.map((client, i) =>
    run(client, i).catch(error => {
      if (!isOver) found.errors.push(`session ${i}: ${error.message}`)
    }),
  )
  return {
    get commands() {
      return found.commands
    },
    async goOn(what, withinMs = 20_000) {
      const before = clients.map((_, i) => rounds[i] ?? 0)
      const isOn = (): boolean => before.every((count, i) => (rounds[i] ?? 0) > count + 1)
      await waitUntil(what, isOn, { withinMs })
    },
    async stop() {
      if (limit !== Number.POSITIVE_INFINITY) await Promise.all(work)
      isOver = true
      // What is under way is answered first: a reply that never comes is an error.
      await Promise.all(work)
      for (const client of clients) await client.close()
      return found
    },
  }
}

/** Each piece in a turn of its own, so that replies come between. */
async function sendInPieces(
  client: RespClient,
  commands: readonly Argument[][],
  random: () => number,
): Promise<Value[]> {
  const bytes = Buffer.concat(commands.map(encodeCommand))
  const frames = client.sendRaw('', commands.length)
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + Math.floor(random() * 120)
    client.socket.write(bytes.subarray(at, end))
    at = end
    await new Promise(resolve => setImmediate(resolve))
  }
  return (await frames).map(({ value }) => value)
}

type Expected = string | null | (string | null)[]

/** Draws the pipelines of one session, and knows what must come back. */
class Writer {
  readonly #session: number
  readonly #writeShare: number
  readonly #depth: number
  readonly #values: (string | null)[]
  #version = 0
  #state: number

  constructor(session: number, { writeShare = 0.2, depth = 5, seed = 1 }: SplitLoadOptions) {
    this.#session = session
    this.#writeShare = writeShare
    this.#depth = depth
    this.#values = Array.from({ length: KEYS }, () => null)
    this.#state = (seed * 7919 + session * 104_729) >>> 0
  }

  draw(): { commands: Argument[][]; expected: Expected[] } {
    const commands: Argument[][] = []
    const expected: Expected[] = []
    const count = 1 + Math.floor(this.random() * this.#depth)
    for (let i = 0; i < count; i++) {
      const key = Math.floor(this.random() * KEYS)
      if (this.random() < this.#writeShare) {
        const value = `${this.#session}.${++this.#version}`
        this.#values[key] = value
        commands.push(['SET', this.#name(key), value])
        expected.push('OK')
      } else if (this.random() < 0.1) {
        // Not for a replica, and no write: one that the master answers, and one that Holdfast answers itself.
        commands.push(['ECHO', 'e'], ['CLIENT', 'GETNAME'])
        expected.push('e', null)
      } else if (this.random() < 0.2) {
        commands.push(['MGET', ...this.#values.map((_, i) => this.#name(i))])
        expected.push([...this.#values])
      } else {
        commands.push(['GET', this.#name(key)])
        expected.push(this.#values[key] ?? null)
      }
    }
    return { commands, expected }
  }

  #name(key: number): string {
    return `split:${this.#session}:${key}`
  }

  /** From the seed, 0 to 1. */
  readonly random = (): number => {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0
    return this.#state / 2 ** 32
  }
}
