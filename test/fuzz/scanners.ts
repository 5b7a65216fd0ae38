// scanners.ts: a coverage-guided fuzzer for the two scanners, by Node's own block coverage (no native code).
//
//   corpus ─▶ mutate ─▶ check (whole, byte by byte, cut at random: the same) ─▶ new block or new behaviour? ─▶ corpus
//
//   node scripts/run.mjs test/fuzz/scanners.ts --seconds 60 --seed 1        npm run fuzz -- --seconds 60
//
// A finding is printed as JSON text, and the exit code is 1.
import { Session } from 'node:inspector/promises'
import { parseArgs } from 'node:util'
import { CommandScanner, FrameKind } from '../../src/resp/command-scanner.ts'
import { commandArgs, leadingArgs } from '../../src/resp/decode.ts'
import { encodeInline } from '../../src/resp/inline-command.ts'
import { randomFrom } from '../support/seeded-random.ts'
import { scanCommands } from '../unit/resp/scan-commands.ts'
import { scanReplies } from '../unit/resp/scan-replies.ts'
import { between } from '../wire/bytes.ts'

const seeds = [
  '*1\r\n$4\r\nPING\r\n',
  '*2\r\n$4\r\nECHO\r\n$0\r\n\r\n',
  '*0\r\n*-1\r\nPING\r\n\r\n',
  "ECHO \"a \\x41\\n\" 'b\\'c'\r\n",
  '*1\r\n:4\r\n',
  '*1\0\r\n$4\0\r\nPI\0NG\r\n',
  '*2147483648\r\n*1\r\n$536870913\r\n',
  '*01\r\n$-0\r\n',
  '$3\r\nabc\r\n*2\r\n:1\r\n+OK\r\n',
  '%1\r\n+a\r\n#t\r\n|1\r\n+k\r\n+v\r\n>2\r\n+a\r\n_\r\n',
  '~1\r\n,1.5\r\n=7\r\ntxt:abc\r\n!3\r\nERR\r\n(12\r\n*-1\r\n$-1\r\n-ERR x\r\n',
].map(text => Buffer.from(text, 'latin1'))
const pieces = [
  '*',
  '$',
  '\r\n',
  '\r',
  '\n',
  '\0',
  '-',
  '0',
  '1',
  '9',
  '"',
  "'",
  '\\x',
  '%',
  '|',
  '>',
  '~',
  '=',
  '!',
  '_\r\n',
  '$4\r\nPING\r\n',
]

export interface FuzzResult {
  readonly runs: number
  readonly corpus: number
  /** Blocks of the scanners seen, of those there are. */
  readonly blocks: string
  readonly finding: string | null
}

/** Runs until `seconds` are over, and `least` inputs are tried, or something is found. */
export async function fuzzScanners(seconds: number, seed: number, least = 0): Promise<FuzzResult> {
  const random = randomFrom(seed)
  const corpus: Buffer[] = [...seeds]
  const seen = new Set<string>()
  const coverage = await startCoverage()
  const until = performance.now() + seconds * 1000
  let runs = 0
  let finding: string | null = null
  while ((performance.now() < until || runs < least) && finding === null) {
    const batch = Array.from({ length: 100 }, (_, i) =>
      runs === 0 ? (seeds[i % seeds.length] ?? seeds[0]) : mutate(corpus, random),
    )
    for (const input of batch) {
      if (input === undefined) continue
      runs++
      try {
        const behaviour = check(input, random)
        if (seen.has(behaviour)) continue
        seen.add(behaviour)
        if (corpus.length < 2000) corpus.push(input)
      } catch (error) {
        finding = `${String(error)} for ${JSON.stringify(input.toString('latin1'))}`
        break
      }
    }
    if (await coverage.grew()) corpus.push(...batch.filter(input => input !== undefined).slice(0, 5))
  }
  const blocks = await coverage.stop()
  return { runs, corpus: corpus.length, blocks, finding }
}

function mutate(corpus: readonly Buffer[], random: () => number): Buffer {
  const pick = (): Buffer => corpus[between(random, 0, corpus.length - 1)] ?? Buffer.alloc(0)
  let bytes: Buffer = Buffer.from(pick())
  for (let n = between(random, 1, 4); n > 0; n--) {
    const at = between(random, 0, bytes.length)
    const piece = Buffer.from(pieces[between(random, 0, pieces.length - 1)] ?? '', 'latin1')
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
    switch (between(random, 0, 4)) {
      case 0:
        bytes = Buffer.concat([before, piece, after])
        break
      case 1:
        bytes = Buffer.concat([before, after.subarray(between(random, 1, 4))])
        break
      case 2:
        bytes = Buffer.concat([before, Buffer.from([between(random, 0, 255)]), after.subarray(1)])
        break
      case 3:
        bytes = Buffer.concat([before, pick()])
        break
      default:
        bytes = Buffer.concat([before, before, after])
    }
  }
  return bytes.subarray(0, 400)
}

/** Answers what the input is to the scanners, as text. @throws Error when a property does not hold. */
export function check(input: Buffer, random: () => number): string {
  const whole = scanCommands([input])
  const replies = scanReplies([input])
  const single = Array.from(input, (_, i) => input.subarray(i, i + 1))
  const at = between(random, 0, input.length)
  for (const chunks of [single, [input.subarray(0, at), input.subarray(at)]]) {
    if (JSON.stringify(scanCommands(chunks)) !== JSON.stringify(whole)) throw new Error('commands depend on the cut')
    if (JSON.stringify(scanReplies(chunks)) !== JSON.stringify(replies)) throw new Error('replies depend on the cut')
  }
  let from = 0
  for (const { kind, end, argc } of whole.found) {
    const frame = input.subarray(from, end)
    if (kind === 'command') sameArguments(frame, argc)
    else if (kind === 'inline') encodeInline(frame.subarray(0, -1))
    from = end
  }
  const kinds = whole.found.map(({ kind, argc }) => `${kind[0]}${Math.min(argc, 3)}`).join('')
  return `${kinds.slice(0, 12)}|${whole.error}|${whole.idle}|${replies.types.slice(0, 6)}|${replies.broken}`
}

/** Two decoders and the scanner must agree; the frame alone must be one frame. */
function sameArguments(frame: Buffer, argc: number): void {
  const scanner = new CommandScanner()
  if (scanner.next(frame, 0) !== frame.length || scanner.kind !== FrameKind.command)
    throw new Error('no frame by itself')
  const leading = leadingArgs(frame, argc)
  const args = commandArgs(frame)
  if (args.length !== argc || leading.length !== argc)
    throw new Error(`${args.length} and ${leading.length}, not ${argc} arguments`)
  if (!args.every((arg, i) => arg.equals(leading[i] ?? Buffer.alloc(0)))) throw new Error('the decoders differ')
}

/** Block coverage of the two scanners, by their files' names. */
async function startCoverage(): Promise<{ grew(): Promise<boolean>; stop(): Promise<string> }> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  const hit = new Set<string>()
  const all = new Set<string>()
  const take = async (): Promise<void> => {
    const { result } = await session.post('Profiler.takePreciseCoverage')
    for (const script of result) {
      if (!/(?:command|reply)-scanner\.ts$/.test(script.url)) continue
      for (const { ranges } of script.functions) {
        for (const { startOffset, endOffset, count } of ranges) {
          const block = `${script.scriptId}:${startOffset}-${endOffset}`
          all.add(block)
          if (count > 0) hit.add(block)
        }
      }
    }
  }
  return {
    grew: async () => {
      const before = hit.size
      await take()
      return hit.size > before
    },
    stop: async () => {
      await take()
      session.disconnect()
      return `${hit.size} of ${all.size}`
    },
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { seconds: { type: 'string' }, seed: { type: 'string' } } })
  const result = await fuzzScanners(Number(values.seconds ?? '60'), Number(values.seed ?? '1'))
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`)
  process.exitCode = result.finding === null ? 0 : 1
}
