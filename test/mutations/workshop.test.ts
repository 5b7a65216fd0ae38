// What a run of a test with a bug leaves behind: nothing, however the test ends, and however the run itself does.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { reapChild } from '../support/reaper.ts'
import { isAlive } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'
import { Workshop } from './workshop.ts'

/** A test that has started a process, tells both in `pids`, and then does `end`. */
const source = (end: string): string => `
  const { spawn } = await import('node:child_process')
  const { writeFileSync } = await import('node:fs')
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' })
  writeFileSync('pids', process.pid + ' ' + child.pid + ' ')
  ${end}`

function pidsIn(dir: string): number[] {
  const text = existsSync(join(dir, 'pids')) ? readFileSync(join(dir, 'pids'), 'utf8') : ''
  return text.split(' ').slice(0, -1).map(Number)
}

t.test('a test that ends at once — leaves no process — when it has bailed', async t => {
  const workshop = new Workshop()
  t.teardown(() => workshop.close())
  writeFileSync(join(workshop.dir, 'bails.mjs'), source('process.exit(3)'))
  t.equal((await workshop.run('bails.mjs')).code, 3)
  const pids = pidsIn(workshop.dir)
  t.equal(pids.length, 2)
  await waitUntil('what it has started is gone', () => !pids.some(isAlive), { withinMs: 5000 })
})

t.test('a run — leaves no test, no process and no folder — when it is ended', async () => {
  const script = `
    const { Workshop } = await import(${JSON.stringify(join(import.meta.dirname, 'workshop.ts'))})
    const { writeFileSync } = await import('node:fs')
    const workshop = new Workshop()
    writeFileSync(workshop.dir + '/hangs.mjs', ${JSON.stringify(source('setInterval(() => {}, 1000)'))})
    process.stdout.write(workshop.dir)
    await workshop.run('hangs.mjs')`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  reapChild(child)
  let dir = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    dir += text
  })
  const started = (): boolean => dir !== '' && pidsIn(dir).length === 2
  await waitUntil('the test runs', started, { withinMs: 30_000 })
  const pids = pidsIn(dir)
  child.kill('SIGTERM')
  await waitUntil('the processes are gone', () => !pids.some(isAlive), { withinMs: 5000 })
  await waitUntil('the folder is gone', () => !existsSync(dir), { withinMs: 5000 })
})
