// bytes.ts: command bytes for the wire tests: seeded random payloads, encoded commands, the test's way to cut them up.
// Pure. A seed gives the same bytes on every run, so that a failure can be run again (HOLDFAST_SEED).

const { HOLDFAST_SEED = '20' } = process.env
export const seed = Number(HOLDFAST_SEED)

/** A whole number from `least` to `most`. */
export function between(random: () => number, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1))
}

/** `size` bytes of every value, CR, LF and frame marks among them; a large one repeats a block of odd length. */
export function payload(random: () => number, size: number): Buffer {
  const block = Buffer.alloc(Math.min(size, 65_521))
  for (let i = 0; i < block.length; i++) block[i] = random() < 0.2 ? marks.charCodeAt(i % marks.length) : random() * 256
  return Buffer.alloc(size, block)
}

const marks = '\r\n$*+-:_%>\r\n0\0'

export function command(...args: readonly (string | Buffer | number)[]): Buffer {
  const parts = args.flatMap(arg => {
    const value = Buffer.isBuffer(arg) ? arg : Buffer.from(String(arg))
    return [Buffer.from(`$${value.length}\r\n`), value, Buffer.from('\r\n')]
  })
  return Buffer.concat([Buffer.from(`*${args.length}\r\n`), ...parts])
}
