// EXEC's reply without the marker's element.
import t from 'tap'
import { arrayLength, firstErrorIn, withoutLast } from '../../../src/resp/exec-reply.ts'

const frame = (text: string): Buffer => Buffer.from(text.replaceAll('~', '\r\n'))

t.test('EXEC’s reply — loses its last element and nothing else', async t => {
  for (const [whole, count, left] of [
    ['*1~:0~', 0, '*0~'],
    ['*2~+OK~:0~', 1, '*1~+OK~'],
    ['*3~$3~a~~*2~:1~*1~$-1~:0~', 2, '*2~$3~a~~*2~:1~*1~$-1~'],
    ['*3~%1~+k~,1.5~-ERR x~:1~', 2, '*2~%1~+k~,1.5~-ERR x~'],
  ] as const)
    t.equal(withoutLast(frame(whole), count)?.toString(), frame(left).toString(), whole)
})

t.test('EXEC’s reply — is refused — with another count', async t => {
  t.equal(withoutLast(frame('*2~:1~:0~'), 2), null)
  t.equal(withoutLast(frame('*-1~'), -2), null)
  t.equal(arrayLength(frame('*12~')), 12)
})

t.test('EXEC’s reply — its first error — is found', async t => {
  t.equal(firstErrorIn(frame('*3~:1~-ERR a~-ERR b~'))?.toString(), '-ERR a\r\n')
  t.equal(firstErrorIn(frame('*2~:1~:0~')), null)
  t.equal(firstErrorIn(frame('+OK~')), null)
})
