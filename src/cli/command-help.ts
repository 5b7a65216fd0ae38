// command-help.ts: the help of the commands that have flags of their own. The options of the proxy are in
// config/help.ts, and are not repeated here.

interface CommandHelp {
  readonly usage: string
  readonly what: string
  /** What each flag does, by its usage. */
  readonly flags: Readonly<Record<string, string>>
  readonly exitCodes: Readonly<Record<number, string>>
  readonly needs: string
  readonly page: string
}

const controlSocket =
  'Needs --control-socket (HOLDFAST_CONTROL_SOCKET, or the --config file), as the running proxy has it.'
const sameOptions = 'Give it the options of the proxy that runs: the same --config file, variables or flags.'
const wrongOptions = 'wrong options'

/** Of both ways of a change of the master. */
const changeFlags = {
  '--dry-run': 'make the checks, say what it would do, do nothing',
  '--json': 'one JSON object in place of text',
  '--max-lag SIZE|TIME': 'how far behind a replica may be when it begins (1mb)',
  '--timeout TIME': 'from the begin of the hold until the new master is served; then it aborts (10s)',
  '--force ID,...': 'accept problems of these ids',
} as const

export const commandHelps = {
  check: {
    usage: 'check [--json] [options of the proxy]',
    what:
      'Looks at Sentinels, nodes, rights and times, and names what is wrong, with a remedy for each. It changes nothing ' +
      'that lasts.',
    flags: { '--json': 'one JSON object in place of tables' },
    exitCodes: { 0: 'no problem, though there may be warnings', 1: 'a problem was found', 2: wrongOptions },
    needs: sameOptions,
    page: 'docs/operations.md',
  },
  health: {
    usage: 'health [ready|live|startup] [--admin-listen ADDRESS]',
    what: 'Asks the admin port of the running proxy one question: a probe for images without a shell. It says ready alone.',
    flags: { '--admin-listen ADDRESS': 'as the running proxy has it' },
    exitCodes: { 0: 'yes', 1: 'no, or no answer within a second', 2: wrongOptions },
    needs: 'Needs --admin-listen (HOLDFAST_ADMIN_LISTEN, or the --config file), and reads no other option.',
    page: 'docs/operations.md',
  },
  ctl: {
    usage: 'ctl status|pause|resume|drain|reload|log-level LEVEL [flags]',
    what: 'Tells the running proxy what to do, over its control socket.',
    flags: {
      '--json': 'the answer as JSON, failures too',
      '--master NAME': 'pause, resume: the master that is meant; without it all',
      '--max TIME': 'pause: it ends by itself after this time (30s)',
      '--timeout TIME': 'pause: how long what is in flight may take (5s); commands are sent again after it',
      '--ignore-blocked': 'pause: leave blocked commands such as BLPOP with the master',
      '--foreground': 'pause: it lasts as long as the command runs; Ctrl-C ends it',
      '--for TIME': 'log-level: until then; without it until the restart',
    },
    exitCodes: { 0: 'done', 1: 'not done: cause and remedy are named', 2: wrongOptions },
    needs: controlSocket,
    page: 'docs/control.md',
  },
  switchover: {
    usage: 'switchover [MASTER] [flags] [options of the proxy]',
    what: 'Makes another node the master while clients wait, without losing a write. MASTER: where several are served.',
    flags: changeFlags,
    exitCodes: {
      0: 'another node is the master, or a dry run found nothing against it',
      1: 'a problem was found, and nothing was done',
      2: wrongOptions,
      3: 'begun and aborted: it has changed nothing, commands are sent',
      4: 'asked for, and not seen to its end: the Sentinels decide, the proxy follows',
    },
    needs: sameOptions,
    page: 'docs/switchover.md',
  },
  drill: {
    usage: 'drill [MASTER] [flags] [options of the proxy]',
    what:
      'A switchover there and back, and what each class of sessions saw. With --hold it only holds commands, and touches ' +
      'no server.',
    flags: {
      ...changeFlags,
      '--hold TIME':
        'hold all commands for this time and name the clients that give up; goes with --json and MASTER alone',
    },
    exitCodes: {
      0: 'the first node is the master again and no client gave up, or a dry run found nothing against it',
      1: 'a problem was found, and nothing was done; --hold: a client gave up, or the hold ended early',
      2: wrongOptions,
      3: 'the way there was aborted: it has changed nothing, commands are sent',
      4: 'a failover was not seen to its end: the Sentinels decide, the proxy follows',
      5: 'not back: another node is the master and serves',
      6: 'there and back, and a client gave up or a command failed',
    },
    needs: sameOptions,
    page: 'docs/drill.md',
  },
} as const satisfies Readonly<Record<string, CommandHelp>>

export function commandHelp(command: keyof typeof commandHelps): string {
  const { usage, what, flags, exitCodes, needs, page }: CommandHelp = commandHelps[command]
  return [
    `Usage: holdfast ${usage}`,
    '',
    what,
    '',
    ...Object.entries(flags).map(([flag, text]) => `  ${flag.padEnd(22)} ${text}`),
    '',
    'Exit codes:',
    ...Object.entries(exitCodes).map(([code, text]) => `  ${code}  ${text}`),
    '',
    needs,
    `All options: holdfast --help. More: ${page}.`,
    '',
  ].join('\n')
}
