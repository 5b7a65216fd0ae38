// tap.ts: what the exercises in TypeScript share: TAP, and failovers that are asked for.
import assert from 'node:assert/strict'
import { createInterface } from 'node:readline/promises'
import { setTimeout as sleep } from 'node:timers/promises'

let count = 0
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

/** One test; `work` throws where it fails. */
export async function check(name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
    console.log(`ok ${++count} - ${name}`)
  } catch (error) {
    console.log(`not ok ${++count} - ${name}\n# ${String(error).replaceAll('\n', '\n# ')}`)
  }
}

/** Asks for a failover and returns when another node is master. */
export async function please(kind: string): Promise<void> {
  console.log(`# please: ${kind}`)
  await answers.next()
}

/** Ends the program, whatever is still connected. */
export function end(): never {
  console.log(`1..${count}`)
  process.exit(0)
}

export async function until(what: string, condition: () => Promise<boolean> | boolean): Promise<void> {
  const ends = Date.now() + 30_000
  while (!(await condition())) {
    assert.ok(Date.now() < ends, `${what}: not within 30 s`)
    await sleep(20)
  }
}

/** What a failover is judged by: each of `steps` again and again, which none of them may notice. */
export async function throughFailover(kind: string, steps: readonly (() => Promise<void>)[]): Promise<void> {
  let over = false
  const rounds = steps.map(() => 0)
  const troubles: string[] = []
  const loop = async (step: () => Promise<void>, index: number): Promise<void> => {
    try {
      for (; !over; rounds[index] = (rounds[index] ?? 0) + 1) await step()
    } catch (error) {
      troubles.push(String(error))
    }
  }
  const loops = steps.map(loop)
  await please(kind)
  const before = [...rounds]
  const gone = (): boolean => troubles.length > 0 || rounds.every((round, index) => round > (before[index] ?? 0) + 5)
  await until('all goes on behind the failover', gone)
  over = true
  await Promise.all(loops)
  assert.deepEqual(troubles, [])
}
