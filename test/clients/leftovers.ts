// leftovers.ts: what libraries leave behind when their program ends.
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** valkey-glide talks to its core by a socket, always in /tmp, named after its process, and does not remove it. */
export function removeLeftovers(pid: number | undefined): void {
  if (pid === undefined) return
  const isOurs = (name: string): boolean => name.startsWith(`glide-socket-${pid}-`)
  for (const name of readdirSync('/tmp').filter(isOurs)) rmSync(join('/tmp', name), { force: true })
}
