import t from 'tap'
import { blockingTimeout, blocksServer } from '../../../src/command/classify.ts'

function split(command: string): Buffer[] {
  return command.split(' ').map(word => Buffer.from(word))
}

const blocks: Array<[command: string, expected: boolean]> = [
  ['XREAD BLOCK 0 STREAMS s $', true],
  ['xread count 2 block 100 streams s $', true],
  ['XREADGROUP GROUP g c BLOCK 5 STREAMS s >', true],
  ['XREADGROUP GROUP g c NOACK COUNT 1 BLOCK 5 STREAMS s >', true],
  ['XREADGROUP GROUP g c FROB BLOCK 5 STREAMS s >', true],
  ['XREAD STREAMS s 0', false],
  ['XREAD STREAMS BLOCK 0', false],
  ['XREAD COUNT BLOCK STREAMS s 0', false],
  ['XREADGROUP GROUP BLOCK c STREAMS s >', false],
  ['XREADGROUP GROUP g BLOCK STREAMS s >', false],
  ['XREAD', false],
]
for (const [command, expected] of blocks) {
  t.test(`blocksServer — ${command} — ${expected}`, async t => {
    t.equal(blocksServer(split(command)), expected)
  })
}

const timeouts: Array<[command: string, expected: [index: number, unit: string, value: number] | null]> = [
  ['BLPOP a b 5', [3, 'seconds', 5]],
  ['brpop a 0.25', [2, 'seconds', 0.25]],
  ['BLPOP a 0', [2, 'seconds', 0]],
  ['BLPOP a -0', [2, 'seconds', 0]],
  ['BLPOP a 1e2', [2, 'seconds', 100]],
  ['BLMOVE a b LEFT RIGHT 7', [5, 'seconds', 7]],
  ['BRPOPLPUSH a b 7', [3, 'seconds', 7]],
  ['BZPOPMIN a 1.5', [2, 'seconds', 1.5]],
  ['BZPOPMAX a b 2', [3, 'seconds', 2]],
  ['BLMPOP 3 2 a b LEFT COUNT 9', [1, 'seconds', 3]],
  ['BZMPOP .5 1 a MIN', [1, 'seconds', 0.5]],
  ['XREAD BLOCK 100 STREAMS s $', [2, 'milliseconds', 100]],
  ['XREADGROUP GROUP g c COUNT 1 BLOCK 0 STREAMS s >', [7, 'milliseconds', 0]],
  ['WAIT 1 250', [2, 'milliseconds', 250]],
  ['WAITAOF 1 0 250', [3, 'milliseconds', 250]],
  ['XREAD STREAMS BLOCK 100', null],
  ['XREAD BLOCK 1.5 STREAMS s $', null],
  ['BLPOP a soon', null],
  ['BLPOP a -1', null],
  ['BLPOP a 1e30', null],
  ['BLPOP a inf', null],
  ['WAIT 1 +5', null],
  ['WAIT 1 007', null],
  ['WAIT 1 -5', null],
  ['BLPOP', null],
  ['BLMPOP', null],
  ['GET 5', null],
  ['FROB 5', null],
]
for (const [command, expected] of timeouts) {
  t.test(`blockingTimeout — ${command} — ${expected === null ? 'none' : expected.join(' ')}`, async t => {
    const [index, unit, value] = expected ?? []
    t.strictSame(blockingTimeout(split(command)), expected && { index, unit, value })
  })
}

t.test('blockingTimeout — none — without arguments', async t => {
  t.equal(blockingTimeout([]), null)
})
