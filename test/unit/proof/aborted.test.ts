// Why a block was aborted, and what of it is sent again.
import t from 'tap'
import { Marking } from '../../../src/command/marking.ts'
import { judgeAbort, partsOf } from '../../../src/proof/aborted.ts'
import { createRun } from '../../../src/relay/request.ts'
import { encodeCommand } from '../../../src/resp/encode.ts'
import { Owner } from '../relay/owner.ts'

const line = (text: string): Buffer => Buffer.from(`-${text}\r\n`)
const before = line('EXECABORT Transaction discarded because of previous errors.')
const readonly = "READONLY You can't write against a read only replica."
const noReplicas = 'NOREPLICAS Not enough good replicas to write.'

t.test('an aborted block — by what was refused', async t => {
  for (const [exec, errors, kind] of [
    [before, { 1: 'ERR unknown command' }, 'commands'],
    [before, { 1: readonly, 3: readonly }, 'wrong-node'],
    [before, { 1: noReplicas }, 'not-now'],
    [before, { 3: "OOM command not allowed when used memory > 'maxmemory'." }, 'marker'],
    [before, { 1: 'ERR wrong', 3: 'NOPERM no' }, 'marker'],
    [line(`EXECABORT Transaction discarded because of: ${readonly}`), {}, 'wrong-node'],
    [line('EXECABORT Transaction discarded because of: OOM full'), {}, 'marker'],
    [line('ERR EXEC without MULTI'), {}, 'unforeseen'],
  ] as const) {
    const said = new Map(Object.entries(errors).map(([place, text]) => [Number(place), line(text)] as const))
    const abort = judgeAbort(exec, said, 3)
    t.equal(abort.kind === 'refused' ? abort.refusal : abort.kind, kind, `${exec} ${JSON.stringify(errors)}`)
  }
})

t.test('an aborted block — is sent again without its culprits, in order', async t => {
  const owner = new Owner()
  const bytes = [['INCR', 'a'], ['FOO'], ['INCR', 'b'], ['INCR', 'c'], ['SAVE']].map(encodeCommand)
  const run = createRun(owner, Buffer.concat(bytes), 5)
  const errors = new Map([
    [1, line('ERR unknown command')],
    [4, line('ERR Command not allowed inside a transaction')],
  ])
  const parts = partsOf(run, command => errors.get(command))
  t.strictSame(
    parts.map(({ commands, local, marking }) => [commands, local?.toString(), marking === Marking.apart]),
    [
      [1, undefined, false],
      [1, '-ERR unknown command\r\n', false],
      [2, undefined, false],
      [1, undefined, true],
    ],
  )
  t.equal(parts[2]?.bytes.toString(), Buffer.concat(bytes.slice(2, 4)).toString())
})
