// health.ts: `holdfast health [startup|live|ready] [options]`: asks the admin port of the running proxy one question.
// It is the probe for images without a shell.
//
// Exit code: 0 for an answer in the 200s, 1 for any other or none, 2 for wrong options.
// Never: reads any option but --admin-listen, or connects to Redis or Sentinel.
import { get } from 'node:http'
import { type Address, formatAddress, reachable } from '../address.ts'
import { readAdminAddress } from '../config/admin-address.ts'
import type { Environment } from '../config.ts'
import { afterRunning } from '../running-time.ts'
import { commandHelp } from './command-help.ts'
import { answerInstead, complain } from './output.ts'

const questions = ['startup', 'live', 'ready'] as const
type Question = (typeof questions)[number]

/** A later answer is a failure; the default limit of Kubernetes is one second too. */
const TIMEOUT_MS = 1000

/** Without a word the question is `ready`. */
export async function health(argv: readonly string[], env: Environment): Promise<void> {
  const word = argv[0]?.startsWith('-') === false ? argv[0] : undefined
  const question = word === undefined ? 'ready' : questions.find(one => one === word)
  if (question === undefined) {
    wrong(`health: argument 1: expected one of ${questions.join(', ')}`)
    return
  }
  const read = readAdminAddress(word === undefined ? argv : argv.slice(1), env)
  if (read.kind === 'help') answerInstead({ ...read, text: commandHelp('health') })
  else if (read.kind !== 'admin') answerInstead(read)
  else if (read.address === null) wrong('health: needs --admin-listen (or HOLDFAST_ADMIN_LISTEN), as the proxy has it')
  else if (read.address.port === 0) wrong('health: --admin-listen has port 0, which says nothing of the port in use')
  else await probe(reachable(read.address), question)
}

async function probe(address: Address, question: Question): Promise<void> {
  const failure = await ask(address, question)
  if (failure === null) return
  process.stderr.write(`holdfast: health: ${formatAddress(address)}/${question}: ${failure}\n`)
  process.exitCode = 1
}

/** What is wrong, on one line; null when all is well. */
function ask({ host, port }: Address, question: Question): Promise<string | null> {
  return new Promise(resolve => {
    const request = get({ host, port, path: `/${question}`, agent: false }, response => {
      const { statusCode: status = 0 } = response
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => {
        if (body.length < 200) body += text
      })
      response.once('end', () => finish(status >= 200 && status < 300 ? null : `status ${status}: ${oneLine(body)}`))
      response.once('error', error => finish(error.message))
    })
    const endLimit = afterRunning(TIMEOUT_MS, () => finish(`no answer within ${TIMEOUT_MS} ms`))
    const finish = (failure: string | null): void => {
      endLimit()
      request.destroy()
      resolve(failure)
    }
    request.on('error', (error: NodeJS.ErrnoException) =>
      finish(`${error.message || String(error)}${remedyFor(error)}`),
    )
  })
}

function remedyFor({ code = '' }: NodeJS.ErrnoException): string {
  if (code === 'ECONNREFUSED')
    return '; nobody listens there: is Holdfast running, and is this the --admin-listen that it was given?'
  if (code.startsWith('HPE_'))
    return '; what listens there speaks no HTTP: --admin-listen must be the one that Holdfast was given'
  return ''
}

function oneLine(text: string): string {
  return text
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, 200)
}

function wrong(text: string): void {
  complain(text)
  process.exitCode = 2
}
