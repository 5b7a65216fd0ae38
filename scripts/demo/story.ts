// story.ts: what Holdfast's log says, in plain words, and what follows from it: the gate and the master of this
// moment.
//
// Owns: the view and the last lines. Never: does anything but read; a line it has no words for is left out unless it is
// a warning or worse, which is shown as it is.
import type { LogLine } from './holdfast.ts'

export interface View {
  readonly gate: 'closed' | 'holding' | 'draining' | 'open' | 'tripped'
  readonly master: string | null
  readonly epoch: number | null
}

export interface StoryLine {
  /** Milliseconds since the story began, or since `restart`. */
  readonly ms: number
  readonly text: string
}

export interface Story {
  readonly view: View
  readonly lines: readonly StoryLine[]
  /** Called with each new line, until replaced. */
  onLine: (line: StoryLine) => void
  read(line: LogLine): void
  say(text: string): void
  /** From here on times count from zero. */
  restart(): void
}

const keptLines = 100

export function createStory(): Story {
  let view: View = { gate: 'closed', master: null, epoch: null }
  let lines: StoryLine[] = []
  let zero = Date.now()
  const add = (text: string, at: number): void => {
    const line = { ms: Math.max(0, at - zero), text }
    lines = [...lines, line].slice(-keptLines)
    story.onLine(line)
  }
  const story: Story = {
    get view() {
      return view
    },
    get lines() {
      return lines
    },
    onLine: () => {},
    read: line => {
      view = nextView(view, line)
      const text = inWords(line)
      // Twenty clients may lose as many connections to one master; that is one thing to tell.
      if (text !== null && text !== lines.at(-1)?.text) add(text, timeOf(line))
    },
    say: text => {
      if (text !== lines.at(-1)?.text) add(text, Date.now())
    },
    restart: () => {
      zero = Date.now()
    },
  }
  return story
}

/** When it happened and not when it was read, which is some milliseconds later. */
function timeOf({ time }: LogLine): number {
  const at = Date.parse(String(time))
  return Number.isNaN(at) ? Date.now() : at
}

/** The view after a line of the log. Pure. */
export function nextView(view: View, line: LogLine): View {
  switch (line.event) {
    case 'hold.start':
      return { ...view, gate: 'holding' }
    case 'gate.tripped':
      return { ...view, gate: 'tripped' }
    case 'hold.drain':
      return { gate: 'draining', ...masterOf(line.master, line.epoch) }
    case 'hold.end':
      return { gate: 'open', ...masterOf(line.master, line.epoch) }
    case 'master.confirmed':
      return { ...view, ...masterOf(line.address, line.epoch) }
    default:
      return view
  }
}

function masterOf(address: unknown, epoch: unknown): Pick<View, 'master' | 'epoch'> {
  return { master: String(address), epoch: Number(epoch) }
}

const causes: Readonly<Record<string, string>> = {
  'failover-announced': 'a failover is announced',
  'master-moved': 'a majority of the Sentinels names another master',
  'not-master': 'the node is no master any more',
  'master-unreachable': 'the master cannot be reached',
  'master-loading': 'the master is loading its data',
}

/** A line of the log in plain words; null where it is no part of the story. Pure. */
export function inWords(line: LogLine): string | null {
  const epoch = `epoch ${line.epoch}`
  switch (line.event) {
    case 'hold.start':
      return `Holdfast holds all commands: ${causes[String(line.cause)] ?? line.cause}${line.detail ? ` (${line.detail})` : ''}`
    case 'failover.announced':
    case 'master.held':
      return `reason: ${line.detail}`
    case 'master.candidate':
      return `a majority of the Sentinels names ${line.address} (${epoch})`
    case 'master.confirmed':
      return `${line.address} confirms that it is the master (${epoch})`
    case 'hold.drain':
      return `Holdfast sends what it held to ${line.master}: ${line.waiting} requests, after ${line.heldMs} ms`
    case 'hold.end':
      return 'everything held is sent; commands pass again'
    case 'failover.aborted':
    case 'failover.over':
      return 'the failover is over without a new master'
    case 'link.lost':
      return `Holdfast has no connection to ${line.master} any more (${line.reason})`
    case 'gate.tripped':
      return 'no master for too long: Holdfast answers errors at once until there is one'
    default:
      return isTrouble(line.level) ? `${line.event}: ${line.msg ?? line.cause ?? ''}` : null
  }
}

function isTrouble(level: unknown): boolean {
  return level === 'warn' || level === 'error' || level === 'fatal'
}
