// replica-reads.ts: the reads that --read-split may send to a replica: it gives the master's answer, or the one that the
// master gave a moment ago.
//
// Not among them, although they only read:
// - what tells of one node: INFO, ROLE, TIME, DBSIZE, OBJECT, MEMORY, COMMAND, LASTSAVE, PING;
// - what each node answers otherwise: RANDOMKEY and its kind, DUMP, vector sets, XPENDING and XINFO (idle times);
// - SCAN and its kind: a cursor means something to one node alone;
// - what reads and leaves something behind: TOUCH, PFCOUNT (it writes down what it has counted);
// - scripts and functions: nobody knows what they do.
// A new command of the table is not one before somebody has looked: so this is a list, and no rule.
// Never: looks at arguments. Each of these reads whatever they are.

const rows = `
bitcount bitfield_ro bitpos
exists expiretime keys pexpiretime pttl sort_ro ttl type
geodist geohash geopos georadius_ro georadiusbymember_ro geosearch
get getbit getrange lcs mget strlen substr
hexists hexpiretime hget hgetall hkeys hlen hmget hpexpiretime hpttl hstrlen httl hvals
lindex llen lpos lrange
scard sdiff sinter sintercard sismember smembers smismember sunion
xlen xrange xrevrange
zcard zcount zdiff zinter zintercard zlexcount zmscore zrange zrangebylex zrangebyscore zrank zrevrange zrevrangebylex
zrevrangebyscore zrevrank zscore zunion
`

/** Lower case. */
export const replicaReads: ReadonlySet<string> = new Set(rows.trim().split(/\s+/))

/** By its name in lower case. */
export const isReplicaRead = (name: string): boolean => replicaReads.has(name)
