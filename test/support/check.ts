// check.ts: runs `holdfast check` as a person would and reads its table.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { childEnvironment } from './child-environment.ts'
import { processEnded, reapProcess } from './reaper.ts'
import { waitUntil } from './wait-until.ts'

const source = join(fileURLToPath(new URL('../..', import.meta.url)), 'src', 'main.ts')

export interface CheckResult {
  readonly code: number | null
  readonly output: string
  readonly stderr: string
  /** 'subject: text' of each, with the remedy behind it. */
  readonly problems: readonly string[]
  readonly warnings: readonly string[]
}

/**
 * Options by their flag's name without '--'; `listen` is a free port where no option says where to listen. A machine that
 * is slow for half a second is nothing that a test has made wrong, nor is a Sentinel in TILT, because it stood still.
 */
export async function runCheck(options: Readonly<Record<string, string>>): Promise<CheckResult> {
  let last = await runOnce(options)
  const isUndisturbed = async (): Promise<boolean> => {
    if (!inTilt(last)) return true
    last = await runOnce(options)
    return !inTilt(last)
  }
  await waitUntil('no Sentinel is in TILT', isUndisturbed, { withinMs: 120_000, everyMs: 500 })
  return last
}

function inTilt({ problems }: CheckResult): boolean {
  return problems.some(problem => problem.includes(' is in TILT mode'))
}

async function runOnce(options: Readonly<Record<string, string>>): Promise<CheckResult> {
  const { master = 'mymaster' } = options
  const listen = master.includes('=') ? {} : { listen: '127.0.0.1:0' }
  const all = { master, 'answer-timeout': '60s', ...listen, ...options }
  const flags = Object.entries(all).flatMap(([name, value]) => [`--${name}`, value])
  const child = spawn(process.execPath, [source, 'check', ...flags], {
    env: childEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const pid = child.pid ?? 0
  reapProcess(pid)
  let output = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const code = await new Promise<number | null>(resolve => child.once('close', resolve))
  processEnded(pid)
  return { code, output, stderr, problems: linesOf(output, 'PROBLEM'), warnings: linesOf(output, 'WARNING') }
}

function linesOf(output: string, word: string): string[] {
  const lines = output.split('\n')
  return lines.flatMap((line, i) => {
    const match = new RegExp(`^ ${word} +(.+?)  +(.+)$`).exec(line)
    return match ? [`${match[1]}: ${match[2]} [${(lines[i + 1] ?? '').trim()}]`] : []
  })
}
