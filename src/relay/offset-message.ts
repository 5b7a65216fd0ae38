// offset-message.ts: a write that changes nothing. SPUBLISH is replicated, a server takes it when its memory is full, and
// only subscribers of this one shard channel can see it. It moves the replication offset of its connection, at which
// WAIT looks, behind all that ran before (waitCommand in replication.c). It needs Redis 7 and a right.
import { encodeCommand } from '../resp/encode.ts'

export const offsetMessage = encodeCommand(['SPUBLISH', 'holdfast:wait', ''])
