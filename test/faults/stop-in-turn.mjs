// stop-in-turn.mjs: loaded into Holdfast before anything else (--import): after SIGUSR2 it stops itself, as SIGSTOP from
// outside would, in the middle of a turn: one link has written, and others with writes are about to.
//
// A busy machine stops a process there more often than elsewhere: the server that a write has woken takes its place.
import { Link } from '../../src/upstream/link.ts'
import { Turn } from '../../src/upstream/turn.ts'

const { flush, send } = Link.prototype
const { writeNow } = Turn.prototype
/** The links that are to write a command that writes. */
const writers = new Set()
let isWanted = false
let isTurnOver = true

process.on('SIGUSR2', () => {
  isWanted = true
})

Link.prototype.send = function (exchange) {
  if (isWanted && /\r\n(SET|INCR|RPUSH|XADD|EXEC)\r\n/i.test(exchange.bytes.toString('latin1'))) writers.add(this)
  send.call(this, exchange)
}

// It writes for one link, in the midst of a turn; what stops there is seen before the others write.
Turn.prototype.writeNow = function (link) {
  isTurnOver = false
  writeNow.call(this, link)
  isTurnOver = true
}

Link.prototype.flush = function () {
  flush.call(this)
  writers.delete(this)
  if (!isWanted || !isTurnOver || writers.size < 2) return
  isWanted = false
  process.kill(process.pid, 'SIGSTOP')
}
