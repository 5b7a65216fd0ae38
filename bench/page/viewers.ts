// viewers.ts: pages that are open, as the proxy sees them: streams that are read; of 64, one that is not.
import { openFeed, type PageFeed } from '../../test/support/page-feed.ts'
import { waitUntil } from '../../test/support/wait-until.ts'

interface Teardown {
  teardown(act: () => unknown): void
}

/**
 * So many pages look while `act` runs. A second passes before it, also where nobody looks: a machine that has rested is
 * faster, and the first message is not what is measured.
 */
export async function watched<T>(t: Teardown, admin: string, pages: number, act: () => Promise<T>): Promise<T> {
  const feeds: PageFeed[] = []
  for (let i = 0; i < Math.max(1, pages); i++) feeds.push(await openFeed(t, admin))
  if (pages > 1) feeds[0]?.pause()
  const lively = feeds.at(-1)
  await waitUntil('the page is told', () => (lively?.events.length ?? 0) > 1, { withinMs: 20_000 })
  if (pages === 0) lively?.close()
  try {
    return await act()
  } finally {
    for (const feed of feeds) feed.close()
  }
}
