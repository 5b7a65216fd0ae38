// reaper.ts: makes sure that no server outlives the test that started it, however the test ends.
//
// A process of its own holds the read end of a pipe. When the test process goes away — also by SIGKILL from a runner's
// time limit, where no exit handler runs — the pipe ends, and the reaper kills what is still on its list and removes
// the folders. It is told of every start and every end, so it never signals a pid that may belong to someone else by
// now.
import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'

const script = `
pids=' '; dirs=''
while read -r verb what; do
  case $verb in
    +pid) pids="$pids$what " ;;
    -pid) case $pids in *" $what "*) pids="\${pids%% $what *} \${pids#* $what }" ;; esac ;;
    +dir) dirs="$dirs$what
" ;;
  esac
done
for pid in $pids; do kill -9 "$pid" 2>/dev/null; done
printf %s "$dirs" | while read -r dir; do rm -rf "$dir"; done
`

const pids = new Set<number>()
const dirs = new Set<string>()
let reaper: ChildProcess | null = null

/** The process with this pid is to be killed when the test process ends. */
export function reapProcess(pid: number): void {
  pids.add(pid)
  tell(`+pid ${pid}`)
}

/** The process has been seen to exit: its pid is not ours any more. */
export function processEnded(pid: number): void {
  pids.delete(pid)
  tell(`-pid ${pid}`)
}

/**
 * The child is to be killed when the test process ends. Of a `group`, which it leads (`detached`), nobody outlives it
 * either: what it has started and not ended itself ends with it.
 */
export function reapChild(child: ChildProcess, kind: 'alone' | 'group' = 'alone'): void {
  if (child.pid === undefined) return
  // To kill(1) and kill(2) a negative number is a group.
  const target = kind === 'group' ? -child.pid : child.pid
  reapProcess(target)
  child.once('exit', () => {
    if (kind === 'group') killNow(target)
    processEnded(target)
  })
}

/** The folder is to be removed when the test process ends. */
export function reapFolder(dir: string): void {
  dirs.add(dir)
  tell(`+dir ${dir}`)
}

/** The folder is gone already. */
export function folderRemoved(dir: string): void {
  dirs.delete(dir)
}

function tell(line: string): void {
  if (reaper === null) {
    reaper = spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
    reaper.on('error', () => {})
    reaper.stdin?.on('error', () => {})
    reaper.unref()
    process.once('exit', killAll)
  }
  reaper.stdin?.write(`${line}\n`)
}

function killAll(): void {
  for (const pid of pids) killNow(pid)
  for (const dir of dirs) rmSync(dir, { recursive: true, force: true })
}

function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended between our last look and now.
  }
}
