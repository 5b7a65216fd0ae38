// terminal.ts: the terminal while the live demo has it: a screen of its own, no cursor, keys one by one.
// Must stay true: however the process ends by itself, the terminal is a person's own again.
export interface Terminal {
  /** Called with each key, until replaced. */
  onKey: (key: string) => void
  columns(): number
  rows(): number
  draw(lines: readonly string[]): void
  /** May be called twice. */
  close(): void
}

const csi = '\u001b['
const enter = `${csi}?1049h${csi}?25l${csi}2J`
const leave = `${csi}?25h${csi}?1049l`
const toEndOfLine = `${csi}K`

/** Both standard streams must be a terminal. */
export function openTerminal(): Terminal {
  const { stdin, stdout } = process
  let open = true
  const close = (): void => {
    if (!open) return
    open = false
    stdin.off('data', onData)
    stdin.setRawMode(false)
    stdin.pause()
    stdout.write(leave)
  }
  const terminal: Terminal = {
    onKey: () => {},
    columns: () => stdout.columns || 80,
    rows: () => stdout.rows || 24,
    draw: lines => {
      if (open) stdout.write(`${csi}H${lines.map(line => line + toEndOfLine).join('\r\n')}${csi}J`)
    },
    close,
  }
  const onData = (data: Buffer): void => {
    for (const key of data.toString('utf8')) terminal.onKey(key)
  }
  stdout.write(enter)
  stdin.setRawMode(true)
  stdin.on('data', onData)
  process.once('exit', close)
  return terminal
}
