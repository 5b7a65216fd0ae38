// idle-listener.ts: who owns a link on which no client's request is sent: a spare, an idle one, one that only asks.
import type { HandshakeFailure } from './handshake.ts'
import type { Link, LinkListener } from './link.ts'
import type { LinkEnd } from './link-end.ts'
import type { Exchange, ReplyListener } from './reply-reader.ts'

/** Hears nothing but what it says itself. */
export abstract class IdleListener<E extends Exchange> implements LinkListener<E>, ReplyListener<E, Link<E>> {
  readonly replies: ReplyListener<E, Link<E>> = this
  abstract onClosed(link: Link<E>, end: LinkEnd<E>): void
  abstract onBug(link: Link<E>, exchange: E | undefined, error: unknown): void
  onReady(_link: Link<E>): void {}
  onHandshakeFailed(_link: Link<E>, _failure: HandshakeFailure): void {}
  onReplies(): void {}
  onFrame(_link: Link<E>, _exchange: E, _frame: Buffer, _type: number): void {}
  onPush(): void {}
  onReadEnd(): boolean {
    return true
  }
  onWritable(): void {}
  onWriteFailed(): void {}
}
