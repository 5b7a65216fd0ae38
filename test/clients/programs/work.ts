// work.ts: the work of a program in JavaScript (client.ts says what it is); each library gives its own commands.
import { existsSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

export interface Commands {
  set(key: string, value: string): Promise<unknown>
  get(key: string): Promise<unknown>
  push(key: string, value: string): Promise<unknown>
  /** SET, GET and RPUSH in one pipeline, or between MULTI and EXEC; what GET answered. */
  batch(kind: 'pipeline' | 'transaction', value: string, from: string, list: string): Promise<unknown>
  script(text: string, key: string, argument: string): Promise<unknown>
  publish(channel: string, message: string): Promise<unknown>
}

export interface Library {
  commands(): Promise<Commands>
  subscribe(channel: string, onMessage: (message: string) => void): Promise<void>
  /** Opens a client of its own. */
  popper(): Promise<(key: string, seconds: number) => Promise<string | null>>
}

export interface Given {
  readonly host: string
  readonly port: number
  readonly via: string
  readonly protocol: 2 | 3
  readonly recommended: boolean
  /** For events that a healthy connection does not emit. */
  readonly trouble: (event: string) => (detail?: unknown) => void
}

const say = (...words: unknown[]): void => void process.stdout.write(`${words.join(' ').replaceAll('\n', ' ')}\n`)
const textOf = (error: unknown): string => (error instanceof Error ? `${error.name} ${error.message}` : String(error))
/** Comes behind all that the rounds have pushed, for a wait that has no end. */
const lastItem = '0'
const script = "redis.call('RPUSH', KEYS[1], ARGV[1]) return ARGV[1]"

export async function work(make: (given: Given) => Library, words: readonly string[]): Promise<void> {
  const [host = '', port = '', via = '', protocol = '', settings = '', key = '', stopFile = ''] = words
  const library = make({
    ...{ host, port: Number(port), via, protocol: protocol === '3' ? 3 : 2, recommended: settings === 'recommended' },
    trouble: event => detail => say('trouble', event, detail instanceof Error ? textOf(detail) : ''),
  })
  const commands = await library.commands()
  await library.subscribe(`${key}:news`, message => say('heard', message))
  say('ready subscriber')
  const pop = await library.popper()
  await Promise.all([rounds(commands, key, stopFile), queue(pop, key, stopFile)])
  process.exit(0)
}

async function rounds(commands: Commands, key: string, stopFile: string): Promise<void> {
  say('ready commands')
  for (let n = 1; !existsSync(stopFile); n++) {
    const item = String(n)
    await step('commands', n, item, async () => {
      await commands.set(`${key}:value`, item)
      const value = await commands.get(`${key}:value`)
      await commands.push(`${key}:commands`, item)
      return value
    })
    await step('pipeline', n, item, () => commands.batch('pipeline', item, `${key}:piped`, `${key}:pipeline`))
    await step('transaction', n, item, () =>
      commands.batch('transaction', item, `${key}:transacted`, `${key}:transaction`),
    )
    await step('script', n, item, () => commands.script(script, `${key}:script`, item))
    await step('publish', n, null, () => commands.publish(`${key}:news`, item))
    await step('queue', n, null, () => commands.push(`${key}:queue`, item))
    await pause(20)
  }
  say('ended commands')
}

/** `wanted` null: the reply is a number to be told of. */
async function step(name: string, n: number, wanted: string | null, run: () => Promise<unknown>): Promise<void> {
  const from = performance.now()
  const took = (): number => Math.round(performance.now() - from)
  try {
    const reply = await run()
    say('done', name, n, took(), wanted === null ? reply : '')
    if (wanted !== null && reply !== wanted) say('wrong', name, n, String(reply))
  } catch (error) {
    say('failed', name, n, took(), textOf(error))
    await pause(20)
  }
}

async function queue(
  pop: (key: string, seconds: number) => Promise<string | null>,
  key: string,
  stopFile: string,
): Promise<void> {
  say('ready popper')
  for (;;) {
    const last = existsSync(stopFile)
    const from = performance.now()
    try {
      const item = await pop(`${key}:queue`, 1)
      if (item !== null) say('popped', item)
      if (item === lastItem || (item === null && last)) break
    } catch (error) {
      say('failed', 'pop', 0, Math.round(performance.now() - from), textOf(error))
      await pause(50)
      if (last) break
    }
  }
  say('ended popper')
}
