// running.ts: one program at work, with a Holdfast of its own in front of a set that all share: so its connections, and
// what it was told, are counted apart from the others'.
import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import type { Teardown } from '../support/fake-redis.ts'
import { type InProcess, startHoldfast } from '../support/holdfast.ts'
import { processEnded, reapProcess } from '../support/reaper.ts'
import type { SentinelSet } from '../support/sentinel-set.ts'
import type { Node } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'
import { type Trial, trialName } from './client.ts'
import { type Figures, judge, listed, type Window } from './judge.ts'
import { removeLeftovers } from './leftovers.ts'
import { addLine, emptyRecord, type Record } from './record.ts'

/** Whether a client asked to be told of holds, and was. */
export type Handoffs = 'no' | 'asked' | 'told'

const roles = ['commands', 'subscriber', 'popper']
const steps = [...listed, 'publish', 'queue']
/** A program that is not at work by then does not come: a Java machine on a busy computer takes the longest. */
const startMs = 60_000
/** The longest default time-out of a client is 60 s. */
const endMs = 90_000

export class Running {
  readonly trial: Trial
  readonly holdfast: InProcess
  readonly record: Record = emptyRecord()
  readonly windows: Window[] = []
  readonly #child: ChildProcess
  readonly #key: string
  readonly #stopFile: string
  #asked = false

  private constructor(trial: Trial, holdfast: InProcess, key: string, stopFile: string) {
    const { client, way, settings } = trial
    const [program, ...words] = client.program()
    const port = way.via === 'direct' ? holdfast.port : holdfast.sentinelPort
    const given = ['127.0.0.1', String(port), way.via, String(way.protocol), settings, key, stopFile]
    this.trial = trial
    this.holdfast = holdfast
    this.#key = key
    this.#stopFile = stopFile
    // A group of its own: some programs are several processes.
    this.#child = spawn(program, [...words, ...given], { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    if (this.#child.pid !== undefined) reapProcess(this.#child.pid)
    this.#read(this.#child.stdout, line => addLine(this.record, line, Date.now()))
    this.#read(this.#child.stderr, text => this.record.said.push({ at: Date.now(), text }))
    this.#child.on('error', error => this.record.said.push({ at: Date.now(), text: error.message }))
  }

  /** `folder` holds the file that tells the program to stop. */
  static async start(t: Teardown, trial: Trial, set: SentinelSet, folder: string, key: string): Promise<Running> {
    const options = { 'sentinel-listen': '127.0.0.1:0', 'log-level': 'info' }
    const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses(), options })
    const running = new Running(trial, holdfast, key, join(folder, `${key}.stop`))
    t.teardown(() => running.kill())
    return running
  }

  #read(stream: NodeJS.ReadableStream | null, take: (line: string) => void): void {
    let partial = ''
    stream?.setEncoding('utf8')
    stream?.on('data', (text: string) => {
      const lines = (partial + text).split('\n')
      partial = lines.pop() ?? ''
      for (const line of lines) take(stripVTControlCharacters(line))
    })
  }

  /** @throws Error with what the program said where it does not begin to work. */
  async atWork(): Promise<void> {
    try {
      await waitUntil(
        `${trialName(this.trial)} is at work`,
        () => {
          if (this.#hasExited()) throw new Error(`it ended with code ${this.#child.exitCode}`)
          return roles.every(role => this.record.ready.has(role)) && this.#advanced(0, 10)
        },
        { withinMs: startMs },
      )
    } catch (error) {
      const { said, failed } = this.record
      const last = [...said, ...failed].slice(-8).map(({ text }) => text)
      throw new Error(`${error instanceof Error ? error.message : error}\n${last.join('\n')}`)
    }
  }

  #advanced(from: number, rounds: number): boolean {
    const done = this.record.done.filter(({ at }) => at >= from)
    const popped = this.record.popped.some(({ at }) => at >= from)
    const heard = this.record.heard.some(({ at }) => at >= from)
    return popped && heard && steps.every(step => done.filter(one => one.step === step).length >= rounds)
  }

  /** It had asked to be told of holds, and it was: a session of RESP2 may ask, and is told nothing. */
  get handoffs(): Handoffs {
    if (this.holdfast.counters.failingOverTold > 0) return 'told'
    return this.#asked ? 'asked' : 'no'
  }

  /** Begins a window; what it answers ends it, when every step went on or the wait for that is over. */
  begin(fault: Window['fault']): (settled: () => Promise<void>) => Promise<void> {
    const from = Date.now()
    const { sessionsTotal, handoffSessions } = this.holdfast.counters
    const seen = this.holdfast.log.length
    this.#asked ||= handoffSessions > 0
    return async settled => {
      const over = Date.now()
      const wentOn = await waitUntil('it goes on', () => this.#advanced(over, 10), {
        withinMs: 40_000,
        everyMs: 50,
      }).then(
        () => true,
        () => false,
      )
      await settled()
      const heldMs = Math.max(0, ...this.holdfast.log.slice(seen).map(({ heldMs = 0 }) => heldMs))
      const connections = this.holdfast.counters.sessionsTotal - sessionsTotal
      this.windows.push({ fault, from, to: Date.now(), connections, wentOn, heldMs })
    }
  }

  /** Lets it finish, and judges it by the lists on `master`. */
  async finish(set: SentinelSet, master: Node): Promise<Figures[]> {
    writeFileSync(this.#stopFile, '')
    const ended = async (role: string): Promise<unknown> =>
      waitUntil(`${role} of ${trialName(this.trial)} end`, () => this.record.ended.has(role) || this.#hasExited(), {
        withinMs: endMs,
      })
    try {
      await ended('commands')
      await set.command(master, 'RPUSH', `${this.#key}:queue`, '0')
      await ended('popper')
    } catch (error) {
      this.record.said.push({ at: Date.now(), text: error instanceof Error ? error.message : String(error) })
    }
    this.kill()
    const lists = new Map<string, number[]>()
    for (const name of [...listed, 'queue']) {
      const items = await set.command(master, 'LRANGE', `${this.#key}:${name}`, '0', '-1')
      lists.set(name, Array.isArray(items) ? items.map(Number) : [])
    }
    return judge(this.record, lists, this.windows)
  }

  #hasExited(): boolean {
    return this.#child.exitCode !== null
  }

  kill(): void {
    const { pid } = this.#child
    if (pid === undefined) return
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // All of it has ended by itself.
    }
    processEnded(pid)
    removeLeftovers(pid)
  }
}
