// command-table.ts: every top-level command of Redis 8.0 and Valkey 8.1, one row a line: name, arity, class and, where
// it is not `shared`, the route. A new command is one row here; a subcommand is one in subcommand-table.ts, and
// `container` means that the subcommand decides. One that has an effect although a replica runs it (a PUBLISH, a
// script) is named in replay-rule.ts too. Arity is the server's own: negative means "at least".
//
// The class says what a repeat does (command-spec.ts). It stops a repeat only under --retry-policy safe
// (replay-rule.ts has the table). It must be true for any arguments; argument-rules.ts and time-rules.ts may answer a
// better one for some.
// `idempotent` also means: when other clients have written before the repeat, it takes nothing of theirs but what it
// names itself, as a SET does. So FLUSHDB, LTRIM and LSET (an index names another element after a push) are not.
//
// Owns the data only: catalog.ts reads it once at the start. A row that a server contradicts fails the table test,
// which asks real servers for COMMAND.

export const commandRows = `
acl -2 container
append 3 non-idempotent
asking 1 connection own
auth -2 connection auth
bgrewriteaof 1 admin
bgsave -1 admin
bitcount -2 read
bitfield -2 non-idempotent
bitfield_ro -2 read
bitop -4 non-idempotent
bitpos -3 read
blmove 6 blocking blocking
blmpop -5 blocking blocking
blpop -3 blocking blocking
brpop -3 blocking blocking
brpoplpush 4 blocking blocking
bzmpop -5 blocking blocking
bzpopmax -3 blocking blocking
bzpopmin -3 blocking blocking
client -2 container client
cluster -2 container
command -1 read
commandlog -2 container
config -2 container
copy -3 state-idempotent
dbsize 1 read
debug -2 forbidden
decr 2 non-idempotent
decrby 3 non-idempotent
del -2 state-idempotent
discard 1 connection discard
dump 2 read
echo 2 read
eval -3 non-idempotent script
eval_ro -3 read script
evalsha -3 non-idempotent evalsha
evalsha_ro -3 read evalsha
exec 1 non-idempotent exec
exists -2 read
expire -3 state-idempotent
expireat -3 state-idempotent
expiretime 2 read
failover -1 forbidden
fcall -3 non-idempotent
fcall_ro -3 read
flushall -1 non-idempotent
flushdb -1 non-idempotent
function -2 container script
geoadd -5 state-idempotent
geodist -4 read
geohash -2 read
geopos -2 read
georadius -6 non-idempotent
georadius_ro -6 read
georadiusbymember -5 non-idempotent
georadiusbymember_ro -5 read
geosearch -7 read
geosearchstore -8 non-idempotent
get 2 read
getbit 3 read
getdel 2 state-idempotent
getex -2 state-idempotent
getrange 4 read
getset 3 state-idempotent
hdel -3 state-idempotent
hello -1 connection hello
hexists 3 read
hexpire -6 state-idempotent
hexpireat -6 state-idempotent
hexpiretime -5 read
hget 3 read
hgetall 2 read
hgetdel -5 state-idempotent
hgetex -5 state-idempotent
hincrby 4 non-idempotent
hincrbyfloat 4 non-idempotent
hkeys 2 read
hlen 2 read
hmget -3 read
hmset -4 idempotent
hpersist -5 state-idempotent
hpexpire -6 state-idempotent
hpexpireat -6 state-idempotent
hpexpiretime -5 read
hpttl -5 read
hrandfield -2 read
hscan -3 read scan
hset -4 state-idempotent
hsetex -6 state-idempotent
hsetnx 4 state-idempotent
hstrlen 3 read
httl -5 read
hvals 2 read
incr 2 non-idempotent
incrby 3 non-idempotent
incrbyfloat 3 non-idempotent
info -1 read
keys 2 read
lastsave 1 read
latency -2 container
lcs -3 read
lindex 3 read
linsert 5 non-idempotent
llen 2 read
lmove 5 non-idempotent
lmpop -4 non-idempotent
lolwut -1 read
lpop -2 non-idempotent
lpos -3 read
lpush -3 non-idempotent
lpushx -3 non-idempotent
lrange 4 read
lrem 4 non-idempotent
lset 4 non-idempotent
ltrim 4 non-idempotent
memory -2 container
mget -2 read
migrate -6 non-idempotent
module -2 container
monitor 1 connection monitor
move 3 state-idempotent
mset -3 idempotent
msetnx -3 state-idempotent
multi 1 connection multi
object -2 container
persist 2 state-idempotent
pexpire -3 state-idempotent
pexpireat -3 state-idempotent
pexpiretime 2 read
pfadd -2 state-idempotent
pfcount -2 read
pfdebug 3 admin
pfmerge -2 idempotent
pfselftest 1 admin
ping -1 read
psetex 4 idempotent
psubscribe -2 connection subscribe
psync -3 forbidden refuse
pttl 2 read
publish 3 non-idempotent
pubsub -2 container
punsubscribe -1 connection unsubscribe
quit -1 connection quit
randomkey 1 read
readonly 1 connection own
readwrite 1 connection own
rename 3 state-idempotent
renamenx 3 state-idempotent
replconf -1 forbidden refuse
replicaof 3 forbidden
reset 1 connection reset
restore -4 state-idempotent
restore-asking -4 state-idempotent
role 1 read
rpop -2 non-idempotent
rpoplpush 3 non-idempotent
rpush -3 non-idempotent
rpushx -3 non-idempotent
sadd -3 state-idempotent
save 1 admin
scan -2 read scan
scard 2 read
script -2 container script
sdiff -2 read
sdiffstore -3 non-idempotent
select 2 connection select
set -3 state-idempotent
setbit 4 state-idempotent
setex 4 idempotent
setnx 3 state-idempotent
setrange 4 idempotent
shutdown -1 forbidden
sinter -2 read
sintercard -3 read
sinterstore -3 non-idempotent
sismember 3 read
slaveof 3 forbidden
slowlog -2 container
smembers 2 read
smismember -3 read
smove 4 state-idempotent
sort -2 non-idempotent
sort_ro -2 read
spop -2 non-idempotent
spublish 3 non-idempotent
srandmember -2 read
srem -3 state-idempotent
sscan -3 read scan
ssubscribe -2 connection subscribe
strlen 2 read
subscribe -2 connection subscribe
substr 4 read
sunion -2 read
sunionstore -3 non-idempotent
sunsubscribe -1 connection unsubscribe
swapdb 3 non-idempotent
sync 1 forbidden refuse
time 1 read
touch -2 read
ttl 2 read
type 2 read
unlink -2 state-idempotent
unsubscribe -1 connection unsubscribe
unwatch 1 connection unwatch
vadd -1 state-idempotent
vcard -1 read
vdim -1 read
vemb -1 read
vgetattr -1 read
vinfo -1 read
vismember -1 read
vlinks -1 read
vrandmember -1 read
vrem -1 state-idempotent
vsetattr -1 idempotent
vsim -1 read
wait 3 blocking wait
waitaof 4 blocking wait
watch -2 connection watch
xack -4 state-idempotent
xadd -5 non-idempotent
xautoclaim -6 non-idempotent
xclaim -6 non-idempotent
xdel -3 state-idempotent
xgroup -2 container
xinfo -2 container
xlen 2 read
xpending -3 read
xrange -4 read
xread -4 blocking maybeBlocking
xreadgroup -7 blocking maybeBlocking
xrevrange -4 read
xsetid -3 state-idempotent
xtrim -4 non-idempotent
zadd -4 non-idempotent
zcard 2 read
zcount 4 read
zdiff -3 read
zdiffstore -4 non-idempotent
zincrby 4 non-idempotent
zinter -3 read
zintercard -3 read
zinterstore -4 non-idempotent
zlexcount 4 read
zmpop -4 non-idempotent
zmscore -3 read
zpopmax -2 non-idempotent
zpopmin -2 non-idempotent
zrandmember -2 read
zrange -4 read
zrangebylex -4 read
zrangebyscore -4 read
zrangestore -5 non-idempotent
zrank -3 read
zrem -3 state-idempotent
zremrangebylex 4 state-idempotent
zremrangebyrank 4 non-idempotent
zremrangebyscore 4 state-idempotent
zrevrange -4 read
zrevrangebylex -4 read
zrevrangebyscore -4 read
zrevrank -3 read
zscan -3 read scan
zscore 3 read
zunion -3 read
zunionstore -4 non-idempotent
`
