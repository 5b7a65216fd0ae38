// lines.ts: cuts what a socket brings into lines of bounded length. Pure but for its memory.

export class Lines {
  readonly #max: number
  #parts: Buffer[] = []
  #size = 0

  /** `max`: bytes of the longest line. */
  constructor(max: number) {
    this.#max = max
  }

  /** The lines that end here, without their ends; null: one is too long, and nothing more can be read. */
  push(bytes: Buffer): string[] | null {
    const lines: string[] = []
    let rest = bytes
    for (let at = rest.indexOf(10); at >= 0; at = rest.indexOf(10)) {
      if (this.#size + at > this.#max) return null
      lines.push(Buffer.concat([...this.#parts, rest.subarray(0, at)]).toString('utf8'))
      this.#parts = []
      this.#size = 0
      rest = rest.subarray(at + 1)
    }
    if (this.#size + rest.length > this.#max) return null
    if (rest.length > 0) this.#parts.push(rest)
    this.#size += rest.length
    return lines
  }
}
