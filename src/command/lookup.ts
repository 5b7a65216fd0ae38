// lookup.ts: from the bytes of a command's name to its spec. HOT PATH: called for every command of every session.
//
//   bytes ──hash (folded)──▶ slot ──▶ index ──▶ same length and bytes? ──▶ spec
//                             ▲                          │ no
//                             └──── next slot ◀──────────┘   (an empty slot: unknown)
//
// Must stay true: allocates nothing, throws nothing, and never makes a string of the name. Only letters are folded:
// '@' and '`' also differ by 0x20 alone, yet they are different names to the server (strcasecmp in dict lookup).

import { commandSpecs, unknownSpec } from './catalog.ts'
import type { CommandSpec } from './command-spec.ts'

export { unknownSpec } from './catalog.ts'

/** Four times the number of commands: the mean probe stays close to one, and the whole table fits in 2 KB. */
const slotCount = 1024
const slotMask = slotCount - 1
const longestName = commandSpecs.reduce((longest, { name }) => Math.max(longest, name.length), 0)

const fold = new Uint8Array(256).map((_, byte) => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte))
/** slot → spec index; 0, which is the unknown command's, is an empty slot. */
const slots = new Uint16Array(slotCount)
/** spec index → where its name starts in `nameBytes`; the entry after it is where it ends. */
const nameStarts = new Uint16Array(commandSpecs.length + 1)
const nameBytes = Buffer.from(commandSpecs.map(({ name }) => name).join(''), 'latin1')
fillTables()

/**
 * The spec of the command whose name is `length` bytes of `buffer` from `start`, in any case; the one shared
 * `unknownSpec` for every other name. The range must lie within the buffer.
 */
export function lookupCommand(buffer: Buffer, start: number, length: number): CommandSpec {
  if (length > longestName) return unknownSpec
  let slot = hash(buffer, start, length)
  for (;;) {
    // The casts here and below cost nothing: every index is within its typed array by construction.
    const index = slots[slot] as number
    if (index === 0) return unknownSpec
    if (isNamed(index, buffer, start, length)) return commandSpecs[index] as CommandSpec
    slot = (slot + 1) & slotMask
  }
}

/** The same for a name that is a string already. Not for the hot path: it makes a Buffer. */
export function commandByName(name: string): CommandSpec {
  const bytes = Buffer.from(name)
  return lookupCommand(bytes, 0, bytes.length)
}

function hash(buffer: Buffer, start: number, length: number): number {
  let value = length
  for (let i = start; i < start + length; i++) value = Math.imul(value, 31) + (fold[buffer[i] as number] as number)
  return (value ^ (value >>> 10)) & slotMask
}

function isNamed(index: number, buffer: Buffer, start: number, length: number): boolean {
  const nameStart = nameStarts[index] as number
  if ((nameStarts[index + 1] as number) - nameStart !== length) return false
  for (let i = 0; i < length; i++) {
    if (fold[buffer[start + i] as number] !== nameBytes[nameStart + i]) return false
  }
  return true
}

function fillTables(): void {
  let end = 0
  for (const { index, name } of commandSpecs) {
    nameStarts[index] = end
    end += name.length
    nameStarts[index + 1] = end
    if (index === 0) continue
    let slot = hash(nameBytes, end - name.length, name.length)
    while (slots[slot] !== 0) slot = (slot + 1) & slotMask
    slots[slot] = index
  }
}
