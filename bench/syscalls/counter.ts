// counter.ts: counts the system calls of a running process between two moments, with perf or with strace.
//
// perf counts in the kernel and slows a process by a few per cent. strace stops it twice for each call: a proxy that is
// so slow finds more commands at each turn, and makes fewer calls for each. So perf comes first.

import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { waitUntil } from '../../test/support/wait-until.ts'
import { endRunning, type Running, type Stage } from '../stage.ts'
import { type Calls, perfEvents, readPerf, readStrace } from './kinds.ts'

export interface Counter {
  readonly program: 'perf' | 'strace'
  /** Counts from when it resolves; the function that it gives ends that. */
  start(pid: number): Promise<() => Promise<Calls>>
}

const attachWithinMs = 10_000
const events = '/sys/kernel/tracing/events/syscalls'
const hint = 'apt-get install linux-perf strace, and run it as root'

/** @throws Error that says what to do where neither can be used. */
export async function findCounter(stage: Stage): Promise<Counter> {
  const reasons: string[] = []
  for (const counter of [perfCounter(stage), straceCounter(stage)]) {
    try {
      await tryOn(stage, counter)
      return counter
    } catch (error) {
      reasons.push(`${counter.program}: ${explain(error)}`)
    }
  }
  throw new Error(`--syscalls needs perf or strace (${hint}).\n${reasons.join('\n')}`)
}

/** On a process of our own: whether it is allowed is seen by doing it. */
async function tryOn(stage: Stage, counter: Counter): Promise<void> {
  const trial = await stage.start('trial', 'sleep', ['60'])
  try {
    const stop = await counter.start(trial.pid)
    await stop()
  } finally {
    await endRunning(trial)
  }
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error && error.code === 'ENOENT' ? 'it is not installed' : error.message
}

function perfCounter(stage: Stage): Counter {
  return {
    program: 'perf',
    async start(pid) {
      const list = perfEvents(call => existsSync(join(events, `sys_enter_${call}`)))
      const file = join(stage.folder, 'perf.txt')
      // perf counts for as long as its own command runs; that one says when it has begun, and ends with its input.
      const own = ['/bin/sh', '-c', 'echo begun; read -r line']
      const args = ['stat', '-x,', '-o', file, '-e', list.join(','), '-p', String(pid), '--', ...own]
      const running = await stage.start('perf', 'perf', args, { input: true })
      await begun(running, 'begun')
      return async () => {
        const ended = new Promise<void>(resolve => running.child.once('close', () => resolve()))
        running.child.stdin?.end()
        await ended
        return readPerf(await readFile(file, 'utf8'))
      }
    },
  }
}

function straceCounter(stage: Stage): Counter {
  return {
    program: 'strace',
    async start(pid) {
      const file = join(stage.folder, 'strace.txt')
      const running = await stage.start('strace', 'strace', [
        '-c',
        '-U',
        'calls,name',
        '-f',
        '-o',
        file,
        '-p',
        String(pid),
      ])
      await begun(running, 'attached')
      return async () => {
        const ended = new Promise<void>(resolve => running.child.once('close', () => resolve()))
        running.child.kill('SIGINT')
        await ended
        return readStrace(await readFile(file, 'utf8'))
      }
    },
  }
}

async function begun(running: Running, word: string): Promise<void> {
  await waitUntil(`${running.name} counts`, () => !running.alive || running.output.includes(word), {
    withinMs: attachWithinMs,
    everyMs: 5,
  })
  if (!running.alive) throw new Error(running.output.trim().slice(-300))
}
