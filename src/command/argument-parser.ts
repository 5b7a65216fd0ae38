// argument-parser.ts: reads the arguments of a command as the server does: option words in any case, integers strictly,
// and options only where an option may stand (a key or value that is called "NX" is no option).
//
// Slow path only: it makes strings. Never: decides what a command is (classify.ts, blocking-arguments.ts).

/** Longer than every option, subcommand, number and stream ID (41): what exceeds it is not worth making a string of. */
const longestWord = 48

/** The argument as an upper-case word; empty where it is absent or too long to be an option. */
export function wordAt(args: readonly Buffer[], index: number): string {
  const arg = args[index]
  return arg === undefined || arg.length > longestWord ? '' : arg.toString('latin1').toUpperCase()
}

/**
 * The argument as an integer, by the rules of the server's string2ll (util.c): no plus sign, leading zeros or spaces.
 * NaN for anything else. Beyond 2^53 the value is rounded: enough to compare with, not to compute with.
 */
export function integerAt(args: readonly Buffer[], index: number): number {
  const text = wordAt(args, index)
  return /^(?:0|-?[1-9]\d{0,18})$/.test(text) ? Number(text) : Number.NaN
}

/** Whether the argument at `index` is one of those from `start` up to, not including, `end`. */
export function isAmong(args: readonly Buffer[], index: number, start: number, end: number = args.length): boolean {
  const wanted = args[index]
  if (wanted === undefined) return false
  return args.slice(start, end).some(arg => arg.equals(wanted))
}

/** How many arguments follow an option's word, by the word in upper case. */
export type OptionGrammar = Readonly<Record<string, number>>

export interface Options {
  /** Option word → where it stands; where one is repeated, the last one, which is what most servers' loops keep. */
  readonly at: ReadonlyMap<string, number>
  /** The first argument that is no option of the grammar, or the number of arguments. */
  readonly end: number
}

/** Reads options from `start` until something that the grammar does not know. */
export function readOptions(args: readonly Buffer[], start: number, grammar: OptionGrammar): Options {
  const at = new Map<string, number>()
  let index = start
  while (index < args.length) {
    const word = wordAt(args, index)
    if (!Object.hasOwn(grammar, word)) break
    at.set(word, index)
    index += 1 + (grammar[word] ?? 0)
  }
  return { at, end: index }
}

/** As `readOptions`, but null unless the options reach exactly to the end of the command: else it is not understood. */
export function readAllOptions(args: readonly Buffer[], start: number, grammar: OptionGrammar): Options['at'] | null {
  const { at, end } = readOptions(args, start, grammar)
  return end === args.length ? at : null
}
