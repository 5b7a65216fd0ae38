// virtual-loop.ts: the event loop and the clock of a synchronous test: immediates, timers and intervals are kept and
// run when the test says so. Installed only while one sequence is played; everything is put back afterwards.
type Task = () => void

/** After a longer gap the watchdog finds that the process stood still. */
const STEP_MS = 499

export class VirtualLoop {
  now = 1000
  #immediates: Task[] = []
  #timers = new Map<number, Task>()
  #intervals = new Map<number, Task>()
  #periods = new Map<number, number>()
  #next = 1

  /** Runs `work` with the process's timers and monotonic clock replaced by these. */
  play<T>(work: () => T): T {
    const { setImmediate, setTimeout, clearTimeout, setInterval, clearInterval } = globalThis
    const clock = Object.getOwnPropertyDescriptor(performance, 'now')
    const replace = (name: string, value: unknown): void =>
      void Object.defineProperty(globalThis, name, { value, configurable: true, writable: true })
    replace('setImmediate', (task: Task) => void this.#immediates.push(task))
    replace('setTimeout', (task: Task) => this.#keep(this.#timers, task))
    replace('clearTimeout', (id: number) => void this.#timers.delete(id))
    replace('setInterval', (task: Task, ms: number) => {
      const id = this.#keep(this.#intervals, task)
      this.#periods.set(id, ms)
      const interval = { id, unref: () => interval }
      return interval
    })
    replace('clearInterval', ({ id }: { id: number }) => {
      this.#intervals.delete(id)
      this.#periods.delete(id)
    })
    Object.defineProperty(performance, 'now', { value: () => this.now, configurable: true })
    try {
      return work()
    } finally {
      Object.assign(globalThis, { setImmediate, setTimeout, clearTimeout, setInterval, clearInterval })
      if (clock) Object.defineProperty(performance, 'now', clock)
      else Reflect.deleteProperty(performance, 'now')
    }
  }

  /** Answers whether there were any. */
  runImmediates(): boolean {
    const tasks = this.#immediates
    this.#immediates = []
    for (const task of tasks) task()
    return tasks.length > 0
  }

  get timers(): number {
    return this.#timers.size
  }

  runTimers(): void {
    const tasks = [...this.#timers.values()]
    this.#timers.clear()
    for (const task of tasks) task()
  }

  /** How often what happens every few milliseconds does. */
  get periods(): number[] {
    return [...this.#periods.values()]
  }

  /** What happens every few milliseconds, once, `ms` later. */
  pass(ms: number): void {
    this.now += ms
    for (const task of this.#intervals.values()) task()
  }

  /** The same in steps that are no standstill. */
  run(ms: number, afterEach: () => void = () => {}): void {
    for (let left = ms; left > 0; left -= STEP_MS) {
      this.pass(Math.min(left, STEP_MS))
      afterEach()
    }
  }

  #keep(where: Map<number, Task>, task: Task): number {
    const id = this.#next++
    where.set(id, task)
    return id
  }
}
