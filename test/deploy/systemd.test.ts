// The systemd unit of docs/operations.md: systemd takes each line of it, and Holdfast starts by its command.
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { without } from '../support/needs.ts'

const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8')
const [, unit = ''] = /```ini\n(\[Unit\]\n.*?)```/s.exec(page) ?? []
const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const run = promisify(execFile)

t.test('the unit of docs/operations.md — systemd takes every line', { skip: without('systemd-analyze') }, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-unit-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'holdfast.service')
  writeFileSync(file, unit.replace('/usr/bin/node', process.execPath))
  const { stderr } = await run('systemd-analyze', ['verify', file])
  t.equal(stderr, '')
})

t.test('the unit of docs/operations.md — Holdfast starts by its command', async t => {
  const [, words = ''] = /^ExecStart=\/usr\/bin\/node (.*) --config \S+$/m.exec(unit) ?? []
  const flags = words.split(' ').map(word => (word === '/opt/holdfast/dist/main.js' ? main : word))
  const { stdout } = await run(process.execPath, [...flags, '--version'])
  t.match(stdout, /^holdfast \d/)
})
