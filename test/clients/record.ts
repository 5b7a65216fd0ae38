// record.ts: what a program printed, each line with the time at which it came.
//
//   ready ROLE                 commands, subscriber or popper is at work
//   done STEP N MS [RECEIVERS] the step took so many milliseconds; a publish says who has it
//   failed STEP N MS TEXT      the library reported an error
//   wrong STEP N TEXT          a reply that is not the one
//   heard N, popped N          a message, an element of the queue
//   trouble TEXT               an event that a healthy connection does not emit
//   ended ROLE

export interface Done {
  readonly at: number
  readonly step: string
  readonly item: number
  readonly tookMs: number
  readonly receivers: number
}

export interface Failed {
  readonly at: number
  readonly step: string
  readonly item: number
  readonly tookMs: number
  readonly text: string
}

export interface Seen {
  readonly at: number
  readonly text: string
}

export interface Record {
  readonly ready: Set<string>
  readonly ended: Set<string>
  readonly done: Done[]
  readonly failed: Failed[]
  readonly wrong: Seen[]
  readonly trouble: Seen[]
  readonly heard: { readonly at: number; readonly item: number }[]
  readonly popped: { readonly at: number; readonly item: number }[]
  /** Lines of standard error, and lines that are none of these. */
  readonly said: Seen[]
}

export const emptyRecord = (): Record => ({
  ready: new Set(),
  ended: new Set(),
  done: [],
  failed: [],
  wrong: [],
  trouble: [],
  heard: [],
  popped: [],
  said: [],
})

/** Adds one line of the program's standard output. */
export function addLine(record: Record, line: string, at: number): void {
  const [word = '', a = '', b = '', c = '', ...rest] = line.split(' ')
  const text = rest.join(' ')
  if (word === 'ready') record.ready.add(a)
  else if (word === 'ended') record.ended.add(a)
  else if (word === 'done')
    record.done.push({ at, step: a, item: Number(b), tookMs: Number(c), receivers: Number(rest[0] ?? 0) })
  else if (word === 'failed') record.failed.push({ at, step: a, item: Number(b), tookMs: Number(c), text })
  else if (word === 'wrong') record.wrong.push({ at, text: line.slice(word.length + 1) })
  else if (word === 'trouble') record.trouble.push({ at, text: line.slice(word.length + 1) })
  else if (word === 'heard') record.heard.push({ at, item: Number(a) })
  else if (word === 'popped') record.popped.push({ at, item: Number(a) })
  else if (line !== '') record.said.push({ at, text: line })
}
