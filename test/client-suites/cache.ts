// cache.ts: where what is fetched is kept: one folder for each suite, under the user's cache folder.
import { cpSync, existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { unpackSource } from '../support/source-package.ts'

const { XDG_CACHE_HOME } = process.env

export const cacheFolder = join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'holdfast', 'client-suites')

/** Copies the source package `named` into `folder`; it is fetched where it is not kept yet. */
export function sourceOf(named: string, folder: string): void {
  const kept = join(cacheFolder, named)
  if (!existsSync(kept)) unpackSource(named, kept, `unpack its source by hand in ${kept}`)
  cpSync(kept, folder, { recursive: true })
}
