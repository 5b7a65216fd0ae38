// Files are changed the ways that operators and Kubernetes change them; the watcher must say so once, and only then.
import { execFileSync } from 'node:child_process'
import { constants, readdirSync, readlinkSync } from 'node:fs'
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { FileWatcher } from '../../../src/transport/file-watcher.ts'
import { createSecurity } from '../../../src/transport/security.ts'
import { makeFolder, removeFolder } from '../../support/servers.ts'
import { waitUntil } from '../../support/wait-until.ts'

async function scene(t: Test) {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const watcher = new FileWatcher()
  t.teardown(() => watcher.stop())
  let changes = 0
  return {
    dir,
    watcher,
    file: (name: string) => join(dir, name),
    watch: (...names: string[]) =>
      watcher.watch(
        names.map(name => join(dir, name)),
        () => {
          changes++
        },
      ),
    changes: () => changes,
    reported: (count: number) => waitUntil(`${count} changes`, () => changes >= count, { withinMs: 8000 }),
  }
}

t.test('watcher — reports once — a file written again', async t => {
  const { watcher, file, watch, changes, reported } = await scene(t)
  await writeFile(file('a'), 'one')
  watch('a')
  await watcher.start()
  await writeFile(file('a'), 'two')
  await reported(1)
  t.equal(changes(), 1)
})

t.test('watcher — a user of a file throws — which is told, and files are watched as before', async t => {
  const { watcher, file, watch, reported } = await scene(t)
  const bugs: unknown[] = []
  watcher.onBug = error => bugs.push(error)
  const boom = new Error('boom')
  await writeFile(file('a'), 'one')
  const broken = (): void => {
    throw boom
  }
  watcher.watch([file('a')], broken, 'catch-up')
  watch('a')
  await watcher.start()
  t.strictSame(bugs, [boom])
  await writeFile(file('a'), 'two')
  await reported(1)
  t.equal(await watcher.lookNow(), 0)
  await writeFile(file('a'), 'three')
  t.equal(await watcher.lookNow(), 1)
  t.strictSame(bugs, [boom, boom, boom])
})

t.test('watcher — reports once — two files of one group written one after the other', async t => {
  const { watcher, file, watch, changes, reported } = await scene(t)
  await writeFile(file('cert'), '1')
  await writeFile(file('key'), '1')
  watch('cert', 'key')
  await watcher.start()
  await writeFile(file('cert'), '2')
  await writeFile(file('key'), '2')
  await reported(1)
  await writeFile(file('key'), '3')
  await reported(2)
  t.equal(changes(), 2)
})

t.test('watcher — reports a swapped symbolic link — as Kubernetes mounts a Secret', async t => {
  const { dir, watcher, file, watch, reported } = await scene(t)
  for (const version of ['v1', 'v2']) {
    await mkdir(file(version))
    await writeFile(join(dir, version, 'password'), version)
  }
  await symlink('v1', file('..data'))
  await symlink('..data/password', file('password'))
  watch('password')
  await watcher.start()
  await symlink('v2', file('..data_tmp'))
  await rename(file('..data_tmp'), file('..data'))
  await reported(1)
})

t.test('watcher — reports nothing — for a file touched or written with the same content', async t => {
  const { watcher, file, watch, changes, reported } = await scene(t)
  await writeFile(file('same'), 'x')
  await writeFile(file('other'), 'x')
  watch('same')
  let others = 0
  watcher.watch([file('other')], () => {
    others++
  })
  await watcher.start()
  await writeFile(file('same'), 'x')
  await writeFile(file('other'), 'y')
  await waitUntil('the other file is reported', () => others === 1, { withinMs: 8000 })
  t.equal(changes(), 0)
  await writeFile(file('same'), 'y')
  await reported(1)
})

t.test('watcher — reports a file that goes and one that comes', async t => {
  const { watcher, file, watch, reported } = await scene(t)
  await writeFile(file('a'), 'x')
  watch('a', 'b')
  await watcher.start()
  await rm(file('a'))
  await reported(1)
  await writeFile(file('b'), 'y')
  await reported(2)
})

t.test(
  'watcher — calls once after its first look — for what was read before it and may have changed since',
  async t => {
    const { watcher, file } = await scene(t)
    await writeFile(file('password'), 'new')
    let calls = 0
    watcher.watch([file('password')], () => void calls++, 'catch-up')
    t.equal(calls, 0)
    await watcher.start()
    t.equal(calls, 1)
  },
)

t.test('watcher — asked to look — counts a file once, however many use it', async t => {
  const { watcher, file, watch, reported } = await scene(t)
  for (const name of ['cert', 'key', 'other']) await writeFile(file(name), '1')
  watch('cert', 'key')
  watch('cert', 'key', 'other')
  await watcher.start()
  await writeFile(file('cert'), '2')
  t.equal(await watcher.lookNow(), 1)
  await reported(2)
  await Promise.all([writeFile(file('cert'), '3'), writeFile(file('key'), '3')])
  t.equal(await watcher.lookNow(), 2)
  t.equal(await watcher.lookNow(), 0)
})

t.test('watcher — looks while a look is under way — remembers what is there in the end', async t => {
  const { watcher, file, watch, changes, reported } = await scene(t)
  const before = Buffer.alloc(64 * 1024 * 1024, 'b')
  await writeFile(file('a'), 'first')
  await writeFile(file('before'), before)
  watch('a')
  await watcher.start()
  await rename(file('before'), file('a'))
  const early = watcher.lookNow()
  const isBeingRead = (): boolean => {
    const names = readdirSync('/proc/self/fd').map(fd => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`)
      } catch {
        return ''
      }
    })
    return names.includes(file('a'))
  }
  await waitUntil('it is being read', isBeingRead, { withinMs: 8000, everyMs: 0 })
  await writeFile(file('small'), 'after')
  await rename(file('small'), file('a'))
  t.equal(await watcher.lookNow(), 1)
  await early
  const seen = changes()
  // The content that the slow look has read: new to whoever was told of the one after it.
  await writeFile(file('a'), before)
  await reported(seen + 1)
})

t.test('watcher — asked to look — does not wait for a pipe, which is read once', async t => {
  const { watcher, file, watch, changes } = await scene(t)
  execFileSync('mkfifo', [file('pipe')])
  watch('pipe')
  let isOver = false
  const looks = watcher.start().then(() => watcher.lookNow())
  void looks.then(() => {
    isOver = true
  })
  try {
    await waitUntil('it has looked twice', () => isOver, { withinMs: 5000 })
  } finally {
    // Whoever waits for it goes on.
    await writeFile(file('pipe'), '', { flag: constants.O_RDWR })
  }
  t.equal(changes(), 0)
})

t.test('password — that was rotated between its reading and the first look — is noticed', async t => {
  const { file } = await scene(t)
  await writeFile(file('password'), 'old')
  const shared = {
    natMap: [],
    sentinelTls: null,
    sentinelUsername: null,
    sentinelPassword: null,
    passwordFiles: { sentinel: null },
  }
  const own = {
    redisTls: null,
    redisPassword: 'old',
    clientPassword: null,
    passwordFiles: { redis: file('password'), client: null },
  }
  const lines: string[] = []
  const log = pino({ base: null }, { write: (line: string) => void lines.push(line) })
  const security = createSecurity(shared, log)
  const { passwords } = security.forMaster(own, log)
  t.teardown(() => security.files.stop())
  await writeFile(file('password'), 'new')
  await security.files.start()
  t.equal(String(passwords.redis.current), 'new')
  t.match(lines, [/password.reloaded/])
})
