// `holdfast check` with Unix-domain sockets: what would keep the proxy from making them is said before it starts.
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { runCheck } from '../support/check.ts'
import { makeFolder, removeFolder } from '../support/servers.ts'

t.test('check — names a place where a socket cannot be made — and leaves what is there', async t => {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const [file, served] = [join(dir, 'file'), join(dir, 'served.sock')]
  await writeFile(file, 'x')
  const server = createServer().listen(served)
  await once(server, 'listening')
  t.teardown(() => server.close())
  const check = (option: string, path: string) => runCheck({ sentinels: '127.0.0.1:1', [option]: path })

  const occupied = await check('control-socket', file)
  t.match(occupied.warnings, [
    /^control-socket .*: .*a file that is no socket stands there.* \[remedy: remove it, or choose/,
  ])
  const nowhere = await check('listen-socket', join(dir, 'none', 'h.sock'))
  t.match(nowhere.warnings, [
    /^listen-socket .*: .*the folder .*none cannot be had \(ENOENT\).* \[remedy: make it, or choose/,
  ])
  const long = await check('listen-socket', join(dir, 'x'.repeat(120)))
  t.match(long.warnings, [/^listen-socket .*: the path .* is longer than \d+ bytes.* \[remedy: choose a shorter one/])

  for (const [path, words] of [
    [served, 'somebody serves it already'],
    [join(dir, 'new.sock'), 'can be made'],
  ] as const) {
    const { warnings, output } = await check('replica-listen-socket', path)
    t.strictSame(warnings, [])
    t.match(output, new RegExp(` ok +replica-listen-socket ${path} +${words}`))
  }
})
