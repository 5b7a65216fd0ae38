// switchover-flags.ts: reads the flags that `holdfast switchover` and `holdfast drill` have beside the options of the
// proxy. Pure.
import type { Read } from '../config/option.ts'
import { duration, size } from '../config/value-kinds.ts'
import { forceable, type MaxLag, type SwitchoverSettings } from '../switchover/settings.ts'
import type { OwnFlags } from './own-flags.ts'

const lagBytes = size({ min: '0', max: '1gb' })
const lagTime = duration({ min: '0ms', max: '1h' })
const timeout = duration({ min: '1s', max: '10m' })

/** The flags of this command, and what each takes. */
export const ownFlags = { switches: ['dry-run', 'json'], values: ['max-lag', 'timeout', 'force'] } as const

/** Adds to `errors` what is wrong. */
export function readSettings(
  command: string,
  { on, texts, words }: Pick<OwnFlags, 'on' | 'texts' | 'words'>,
  errors: string[],
): SwitchoverSettings {
  const read = <T>(name: (typeof ownFlags.values)[number], reader: (text: string) => Read<T>, fallback: T): T => {
    const text = texts.get(name)
    if (text === undefined) return fallback
    const found = reader(text)
    if ('value' in found) return found.value
    errors.push(`--${name}: got ${JSON.stringify(text.slice(0, 60))}, expected ${found.expected}`)
    return fallback
  }
  if (words.length > 1) errors.push(`${command}: at most one word may go before the flags: the name of the master`)
  return {
    dryRun: on.has('dry-run'),
    json: on.has('json'),
    maxLag: read('max-lag', readLag, { bytes: 1024 ** 2 }),
    timeoutMs: read('timeout', text => timeout.read(text), 10_000),
    force: read('force', readForce, []),
    masterName: words[0] ?? null,
  }
}

function readLag(text: string): Read<MaxLag> {
  const bytes = lagBytes.read(text)
  if ('value' in bytes) return { value: { bytes: bytes.value } }
  const time = lagTime.read(text)
  if ('value' in time) return { value: { ms: time.value } }
  return { expected: 'bytes such as 64kb or 1mb, or a time such as 500ms or 2s' }
}

function readForce(text: string): Read<readonly string[]> {
  const ids = text.split(',').map(id => id.trim())
  return ids.every(id => forceable.some(one => one === id))
    ? { value: ids }
    : { expected: `one or more of ${forceable.join(', ')}, with commas between them` }
}
