// page.ts: the page at / of the admin port, as the port knows it.
//
//   watchdog's looks ─▶ sampler (from the start, for those who come after the fact)
//   first visit ─▶ visits.ts: files and feed are loaded then, as most processes are never looked at
//
// Owns: which of its parts is there. Never: changes anything, or shows a password, a key, a value or an argument.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AdminPage } from '../ops/admin.ts'
import type { MasterGauges, Snapshot } from '../ops/snapshot.ts'
import { Sampler } from './sampler.ts'
import type { Visits } from './visits.ts'

export interface PageSources {
  readonly takeSnapshot: () => Snapshot
  /** Of each master. */
  readonly gauges: readonly (() => MasterGauges)[]
  /** The configuration without its secrets. */
  readonly config: Readonly<Record<string, unknown>>
  /** That the limit of open files allows; left out: it is no reason for a limit. */
  readonly mostViewers?: number
}

export class Page implements AdminPage {
  readonly stats = { viewers: 0, refused: 0, dropped: 0 }
  readonly #sources: PageSources
  readonly #sampler: Sampler
  #loading: Promise<Visits> | null = null
  #visits: Visits | null = null
  #closed = false

  constructor(sources: PageSources) {
    this.#sources = sources
    this.#sampler = new Sampler(sources.gauges, performance.now())
  }

  owns(path: string): boolean {
    return path === '/' || path.startsWith('/page/')
  }

  onLook(lateMs: number): void {
    const now = performance.now()
    if (this.#sampler.onLook(lateMs, now)) this.#visits?.onSample(now)
  }

  async answer(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#loading ??= this.#load()
    const visits = await this.#loading
    if (this.#closed) response.destroy()
    else visits.answer(path, request, response)
  }

  close(): void {
    this.#closed = true
    this.#visits?.close()
  }

  async #load(): Promise<Visits> {
    try {
      const { openVisits } = await import('./visits.ts')
      this.#visits = await openVisits(this.#sources, this.#sampler, this.stats)
      return this.#visits
    } catch (error) {
      // A file may have been away for a moment; the next visit tries again.
      this.#loading = null
      throw error
    }
  }
}
