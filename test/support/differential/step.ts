// step.ts: one step of a differential run: what one session writes, and what is known of the replies beforehand.
// Pure: builds bytes, sends nothing.

import type { Words } from './arguments.ts'
import { type Compare, compareOf } from './exceptions.ts'
import type { Random } from './random.ts'

export interface Step {
  readonly session: number
  /** Each one is a write of its own, a turn of the event loop apart. Empty: only waits. */
  readonly writes: readonly Buffer[]
  /** For the report, and the count of commands. */
  readonly commands: readonly string[]
  /** Replies that are certain to come, however long they take. */
  readonly atLeast: number
  readonly compare: Compare
  /** The session may be blocked afterwards. */
  readonly mayBlock: boolean
  /** Both connections are cut, and opened again. */
  readonly reopen: boolean
}

/** What came of it, on the side of the plain server. */
export interface Outcome {
  readonly blocked: boolean
  readonly closed: boolean
  readonly replies: readonly string[]
}

export type Scene = Generator<Step, void, Outcome>

const quiet = { writes: [], commands: [], atLeast: 0, compare: 'exact', mayBlock: false, reopen: false } as const

export interface SendOptions {
  readonly atLeast?: number
  readonly compare?: Compare
  readonly mayBlock?: boolean
  /** Cut the bytes at random places; needs chance. */
  readonly cut?: Random
  /** As one line of text instead of an array. */
  readonly inline?: boolean
}

/** These commands in one write. */
export function send(session: number, commands: readonly Words[], options: SendOptions = {}): Step {
  const bytes = Buffer.concat(commands.map(command => (options.inline ? encodeInline(command) : encode(command))))
  return {
    ...quiet,
    session,
    writes: options.cut === undefined ? [bytes] : cut(options.cut, bytes),
    commands: commands.map(show),
    atLeast: options.atLeast ?? commands.length,
    compare: options.compare ?? loosest(commands),
    mayBlock: options.mayBlock ?? false,
  }
}

/** Bytes that are no well-formed commands, or that must be just these. */
export function sendRaw(session: number, bytes: Buffer, options: { atLeast: number }): Step {
  return { ...quiet, session, writes: [bytes], commands: [`raw ${clip(bytes.toString('latin1'))}`], ...options }
}

/** Waits for replies that are owed from earlier. */
export function awaitReplies(session: number, atLeast: number): Step {
  return { ...quiet, session, atLeast }
}

/** The client goes away and comes back as another. */
export function reopen(session: number): Step {
  return { ...quiet, session, reopen: true, commands: ['(connects again)'] }
}

export function show(command: Words): string {
  return command.map(word => (/^[!-~]+$/.test(word) ? clip(word) : JSON.stringify(clip(word)))).join(' ')
}

function clip(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 60)}...(${text.length})`
}

/** Of replies in one step the loosest comparison any needs; scenes mix only what is exact, or what is alike. */
function loosest(commands: readonly Words[]): Compare {
  const order: readonly Compare[] = ['exact', 'numbers', 'sorted', 'type', 'count']
  const ranks = commands.map(command => order.indexOf(compareOf(command)))
  return order[Math.max(0, ...ranks)] ?? 'exact'
}

export function encode(command: Words): Buffer {
  const parts = [`*${command.length}\r\n`]
  for (const word of command) parts.push(`$${word.length}\r\n${word}\r\n`)
  return Buffer.from(parts.join(''), 'latin1')
}

function encodeInline(command: Words): Buffer {
  const line = command.map(word => (/^[!#-&(-~]+$/.test(word) ? word : quote(word))).join(' ')
  return Buffer.from(`${line}\r\n`, 'latin1')
}

function quote(word: string): string {
  const escaped = word.replace(/[^ !#-[\]-~]/g, c => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
  return `"${escaped}"`
}

function cut(random: Random, bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = []
  let at = 0
  for (let i = random.int(1, 4); i > 0 && at < bytes.length; i--) {
    const end = i === 1 ? bytes.length : random.int(at + 1, bytes.length)
    pieces.push(bytes.subarray(at, end))
    at = end
  }
  return pieces
}
