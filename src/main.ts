#!/usr/bin/env -S node --single-threaded-gc --max-semi-space-size=4
// main.ts — the process edge: which command the first word names. Without a word, the proxy is run.
//
// Exit codes: 0 help, version, all is well, or a stop that was asked for; 1 the port or socket cannot be had, an uncaught error, a
// second signal, or a check that found a problem; 2 options that are wrong. Nothing that happens at Redis or Sentinel
// ends a running proxy.
import { check } from './commands/check.ts'
import { complain } from './commands/edge.ts'
import { health } from './commands/health.ts'
import { serve } from './commands/serve.ts'
import { unknownCommand } from './config.ts'

// Who reads what is written here may leave (`| head -1`): that is no reason to end, or to say so.
process.stderr.on('error', () => {})

const commands = { check, health } as const

const [word, ...rest] = process.argv.slice(2)
if (word === undefined || word.startsWith('-')) await serve(process.argv.slice(2), process.env)
else if (word === 'check' || word === 'health') await commands[word](rest, process.env)
else {
  complain(unknownCommand(word))
  complain('see holdfast --help')
  process.exitCode = 2
}
