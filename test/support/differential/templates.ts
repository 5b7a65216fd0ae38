// templates.ts: for every command, argument patterns that make it work (and some that make it fail), one command a
// row.
//
//   name  pattern | pattern ...      a pattern is the words after the name; $x is filled in by arguments.ts; . is none
//
// Owns the data only. Kept small on purpose: sets, hashes and zsets stay in their compact encodings, whose order is the
// order of insertion; the order of a hash table depends on a seed that each server draws at its start.
// A part of a zset by the alphabet is asked of zl:1 alone, whose members have one score: SORT gives any zset levels that
// are drawn by lot, and where scores differ the answer depends on them.
// Fields that expire in so many seconds are kept in a hash of one field: a hash orders its fields by when they expire.

export const templateRows = `
acl whoami | users | list | cat | cat string | cat $w | getuser app | getuser nobody | setuser tmp on >secret ~* +@all | setuser tmp bogus | deluser tmp | dryrun app get app:1 | dryrun ro set k v | genpass | genpass 8 | log | log reset | help | load | save | $w
append $s $v
asking .
auth app appsecret | app wrong | nobody x | wrong | default x | ro rosecret | a b c
bitcount $s | $s 0 -1 | $s 1 20 BIT | $k
bitfield $s GET u8 0 | $s SET u8 $o 7 | $s OVERFLOW FAIL INCRBY u2 100 1 | $s GET u99 0 | $s
bitfield_ro $s GET u8 0 | $s GET i5 $o GET u4 8 | $s SET u8 0 1
bitop AND $s $s $s | NOT $s $s | XOR $s $s $s | OR $s $k $s | FOO $s $s
bitpos $s 1 | $s 0 2 -1 | $s 1 0 5 BIT | $s 7
client getname | setname $w | setname bad\\x20name | setinfo lib-name $w | setinfo lib-ver 1.0 | setinfo foo bar | setinfo lib-name a\\x20b | no-evict on | no-evict off | no-evict foo | no-touch on | no-touch off | kill id 99999999999 | kill 1.2.3.4:5 | kill foo bar | unblock 99999999999 | unblock x | unpause | caching yes | caching no | tracking off | tracking foo | trackinginfo | getredir | help | info | id | list | list id 99999999999 | list type foo | reply foo | capa redirect | import-source on | import-source off | $w | getname extra | tracking on redirect 99999999999 | tracking on prefix a
cluster info | nodes | keyslot $w | slots | help | myid | reset | $w
command . | count | docs get | info get set nosuch | getkeys set a b | getkeys get | getkeysandflags lmove a b left right | list filterby pattern ge* | list filterby aclcat hyperloglog | help | $w
commandlog len slow | get 1 slow | reset slow | help | len foo
config get maxmemory | get hash-max-* | get nosuch | set slowlog-max-len 128 | set nosuch 1 | set maxmemory abc | resetstat | help | $w
copy $k $k | $k $k REPLACE | $s $s DB 1 | $k $k DB 99
dbsize .
debug protocol string | protocol integer | protocol double | protocol null | protocol array | protocol set | protocol map | protocol verbatim | protocol true | protocol false | protocol bignum | protocol attrib | protocol foo | stringmatch-len 10 a* | set-active-expire 1 | nosuch | help
decr $s | $k
decrby $s $q
del $k | $k $k | $k $k $k
discard .
dump $k
echo $v
eval return\\x201 0 | return\\x20KEYS 2 $k $k a | return\\x20{1,'a',{2,false},3.7} 0 | return\\x20redis.error_reply('MY\\x20err') 0 | return\\x20redis.status_reply('FINE') 0 | return\\x20redis.call('incr',KEYS[1]) 1 $k | return\\x20redis.pcall('lpush',KEYS[1],'a') 1 $k | syntax( 0 | return\\x20redis.call('nosuch') 0 | return\\x20{double=3.5} 0 | return\\x20nosuchglobal 0 | return\\x20redis.call('select',3) 0 | redis.setresp(3)\\x20return\\x20redis.call('hgetall',KEYS[1]) 1 $h | return\\x201 -1 | return\\x201 5 a | return\\x20redis.call('restore',KEYS[2],0,redis.call('dump',KEYS[1]),'REPLACE') 2 $k $k | #!lua\\nreturn\\x20redis.call('set',KEYS[1],'x') 1 $s | #!lua\\x20flags=no-writes\\nreturn\\x20redis.call('set',KEYS[1],'x') 1 $s
eval_ro return\\x20redis.call('get',KEYS[1]) 1 $k | return\\x20redis.call('set',KEYS[1],'1') 1 $k | return\\x20ARGV 0 $v $v
evalsha $sha 0 | $sha 1 $k | $sha x
evalsha_ro $sha 0 | $sha 1 $k
exec .
exists $k | $k $k
expire $k $t | $k -1 | $k $t NX | $k $t GT | $k $t LT | $k $t XX | $k $t FOO | $k 99999999999999999
expireat $k $at | $k 1
expiretime $k
fcall f1 1 $k a | f2 1 $k | nosuch 0 | f1 x | f3 0
fcall_ro f1 1 $k a | f2 1 $k | nosuch 0 | f3 0
flushall . | ASYNC | SYNC | FOO
flushdb . | ASYNC | SYNC | FOO
function load $lib | load REPLACE $lib | load nothing | list | list WITHCODE | list LIBRARYNAME my* | delete mylib | delete nosuch | flush | stats | dump | restore junk | kill | help | $w
geoadd $z 13.361389 38.115556 Palermo 15.087269 37.502669 Catania | $z 13.5 38.5 $m | $z 999 1 x
geodist $z Palermo Catania km | $z Palermo $m | $k a b
geohash $z Palermo Catania $m
geopos $z Palermo $m
georadius $z 15 37 200 km WITHDIST WITHCOORD ASC | $z 15 37 100 km STORE $z
georadius_ro $z 15 37 200 km COUNT 2 ASC
georadiusbymember $z Palermo 200 km ASC | $z $m 100 km
georadiusbymember_ro $z Palermo 200 km ASC
geosearch $z FROMLONLAT 15 37 BYBOX 400 400 km ASC COUNT 3 WITHDIST | $z FROMMEMBER Palermo BYRADIUS 200 km ASC
geosearchstore $z $z FROMLONLAT 15 37 BYRADIUS 200 km ASC
get $s | $k
getbit $s $o | $s -1
getdel $s | $k
getex $s | $s EX $t | $s PERSIST | $s EXAT $at | $s EX 0
getrange $s 0 5 | $s -3 -1 | $k 0 0
getset $s $v | $k $v
hdel $h $f | $h $f $f $f
hello . | 2 | 3 | 4 | x | 3 SETNAME $w | 2 SETNAME $w | 3 AUTH app appsecret | 3 AUTH app wrong | 2 AUTH default x SETNAME $w | 3 FOO | 3 AUTH app | 3 SETNAME bad\\x20name
hexists $h $f
hexpire hx:1 $t FIELDS 1 f1 | hx:1 $t NX FIELDS 1 f1 | $h $t FIELDS 2 $f | $h 0 FIELDS 1 $f
hexpireat $h $at FIELDS 1 $f
hexpiretime $h FIELDS 1 $f
hget $h $f | $k $f
hgetall $h | $k
hgetdel $h FIELDS 1 $f | $h FIELDS 2 $f $f
hgetex $h FIELDS 1 $f | hx:1 EX $t FIELDS 1 f1 | $h PERSIST FIELDS 1 $f
hincrby $h $f $q
hincrbyfloat $h $f 1.5
hkeys $h
hlen $h
hmget $h $f $f nosuch
hmset $h $f $w $f $w
hpersist $h FIELDS 1 $f
hpexpire hx:1 99999999 FIELDS 1 f1 | nosuch 5 FIELDS 1 a
hpexpireat $h 9999999999999 FIELDS 1 $f
hpexpiretime $h FIELDS 1 $f
hpttl $h FIELDS 2 $f $f
hrandfield $h | $h 3 | $h -3 WITHVALUES | nosuch
hscan $h 0 | $h 0 MATCH a* COUNT 100 | $h 0 NOVALUES | $h x
hset $h $f $w | $h $f $q $f $w | $h $f
hsetex $h FIELDS 1 $f $w | $h FNX FIELDS 1 $f $w | hx:1 EX $t FIELDS 1 f1 $w
hsetnx $h $f $w
hstrlen $h $f
httl $h FIELDS 1 $f
hvals $h
incr $s | $k
incrby $s $q | $k $q
incrbyfloat $s 0.5 | $k 3e2
info . | server | nosuch | commandstats everything
keys * | s:* | [
lastsave .
latency latest | history foo | doctor | graph foo | histogram get | reset | help | $w
lcs $s $s | $s $s LEN | $s $s IDX | $s $s IDX MINMATCHLEN 2 WITHMATCHLEN | $k $k
lindex $l $n
linsert $l BEFORE $w $w | $l AFTER $w $w | $l FOO a b
llen $l | $k
lmove $l $l LEFT RIGHT | $l $l RIGHT LEFT | $l $l UP DOWN
lmpop 2 $l $l LEFT | 1 $l RIGHT COUNT 2 | 0 $l LEFT
lolwut . | version 5 1 1 1
lpop $l | $l 2 | $k
lpos $l $w | $l $w RANK -1 COUNT 0 MAXLEN 10
lpush $l $w | $l $w $w $v | $k $w
lpushx $l $w
lrange $l 0 -1 | $l -2 $n | $k 0 1
lrem $l $n $w
lset $l $n $w
ltrim $l 0 15 | $l -10 -1
memory usage $k | doctor | malloc-stats | stats | purge | help | $w
mget $s $s $k
migrate 127.0.0.1 1 nosuch 0 10 | 127.0.0.1 x nosuch 0 10
module list | help | load /nosuch.so | unload nosuch | $w
move $s 1 | $k 99
mset $s $v $s $v | $s $v $s
msetnx $s $v $s $v
multi .
object encoding $k | refcount $k | freq $k | idletime $k | help | $w
persist $k
pexpire $k 99999999 | $k -1
pexpireat $k 9999999999999 | $k 1
pexpiretime $k
pfadd hll:1 $w $w | hll:2 $w | $k $w
pfcount hll:1 | hll:1 hll:2 | $k
pfdebug encoding hll:1 | getreg nosuch | foo hll:1
pfmerge hll:2 hll:1
pfselftest extra
ping . | $v | a b
psetex $s 99999999 $v | $s 0 $v
psubscribe ch:* | x?:1 news.*
pttl $k
publish $c $v
pubsub channels ch:* | numsub ch:1 ch:2 | numpat | shardchannels sh:* | shardnumsub sh:1 | help | $w
punsubscribe . | ch:* | x?:1 nosuch*
quit .
randomkey .
readonly .
readwrite .
rename $s $s | $l $l | nosuch a
renamenx $s $s | $e $e
reset .
restore $s 0 junk | $s -1 junk | $s 0 $v REPLACE
restore-asking $s 0 junk
role .
rpop $l | $l 3
rpoplpush $l $l
rpush $l $w | $l $w $v | $k $w
rpushx $l $w
sadd $e $m | $e $m $m $q | $k $m
save .
scan 0 COUNT 100000 | 0 MATCH s:* COUNT 100000 | 0 COUNT 100000 TYPE hash | x | 0 COUNT 0 | 0 FOO
scard $e
script load return\\x201 | load return\\x20KEYS[1] | load syntax( | exists $sha $sha | flush | flush ASYNC | flush FOO | show $sha | kill | help | $w
sdiff $e $e
sdiffstore $e $e $e
select 0 | 1 | 3 | 15 | 16 | x | -1 | 01
set $s $v | $s $q | $s $v NX | $s $v XX | $s $v GET | $s $v EX $t | $s $v PX 99999999 KEEPTTL | $s $v EX 0 | $s $v FOO | $s $v NX GET | $k $v XX | $s $v EXAT $at | $s $v KEEPTTL
setbit $s $o 1 | $s $o 0 | $s $o 2 | $s -1 1
setex $s $t $v | $s 0 $v
setnx $s $v
setrange $s $o $w | $s -1 x
sinter $e $e
sintercard 2 $e $e | 2 $e $e LIMIT 1 | 0 $e
sinterstore $e $e $e
sismember $e $m
slowlog len | get 1 | reset | help | $w
smembers $e | $k
smismember $e $m $m nosuch
smove $e $e $m
sort $l ALPHA LIMIT 0 5 | $e ALPHA DESC | $l | $l ALPHA STORE $l | $l BY nosort GET # GET s:* | $z ALPHA
sort_ro $l ALPHA | $e BY nosort | $l
spop $e 1000 | $e 0 | $k 1000 | $e -1
spublish sh:1 $v | sh:2 $v
srandmember $e | $e 2 | $e -5 | nosuch
srem $e $m $m
sscan $e 0 | $e 0 MATCH a* COUNT 100 | $e x
ssubscribe sh:1 | sh:1 sh:2
strlen $s | $k
subscribe $c | $c $c $c
substr $s 0 3
sunion $e $e
sunionstore $e $e $e
sunsubscribe . | sh:1 | sh:1 nosuch
swapdb 0 1 | 1 2 | 0 99 | x 1
time .
touch $k $k
ttl $k
type $k
unlink $k $k
unsubscribe . | $c | $c nosuch
unwatch .
vadd vec:1 VALUES 3 1 0 0 $m | vec:1 VALUES 3 0 1 0 $m | vec:1 VALUES 2 1 1 $m | $k VALUES 3 1 2 3 a
vcard vec:1 | $k
vdim vec:1
vemb vec:1 $m
vgetattr vec:1 $m
vinfo vec:1
vismember vec:1 $m
vlinks vec:1 $m
vrandmember vec:1 | vec:1 2
vrem vec:1 $m
vsetattr vec:1 $m {"a":1} | vec:1 $m x
vsim vec:1 VALUES 3 1 0 0 COUNT 1 NOTHREAD | vec:1 ELE $m COUNT 1 | $k VALUES 3 1 2 3
wait 0 50 | 1 10 | x 0
waitaof 0 0 50 | 1 0 10
watch $k | $k $k
xack $x $g $id | $x $g $id $id
xadd $x $id f $w | $x MAXLEN 20 $id f $w g $w | $x NOMKSTREAM $id f v | $x $id f | $k 1-1 f v
xautoclaim $x $g $u 0 0-0 | $x $g $u 0 0-0 COUNT 2 JUSTID
xclaim $x $g $u 0 $id | $x $g $u 0 $id $id JUSTID FORCE
xdel $x $id $id
xgroup create $x $g 0 MKSTREAM | create $x $g $ | destroy $x $g | createconsumer $x $g $u | delconsumer $x $g $u | setid $x $g 0 | help | create nosuch $g 0
xinfo stream $x | groups $x | consumers $x $g | stream $x FULL | help | stream nosuch
xlen $x | $k
xpending $x $g | $x $g - + 10 | $x $g - + 10 $u
xrange $x - + | $x $id + COUNT 2 | $x x +
xread STREAMS $x 0 | COUNT 2 STREAMS $x $x 0 $id | STREAMS $x $ | STREAMS $x | COUNT 1 STREAMS $x +
xreadgroup GROUP $g $u COUNT 2 STREAMS $x > | GROUP $g $u STREAMS $x 0 | GROUP $g $u NOACK STREAMS $x > | GROUP nosuch $u STREAMS $x >
xrevrange $x + - | $x + - COUNT 1
xsetid $x 99-1 | $x 0-1
xtrim $x MAXLEN 10 | $x MINID $id LIMIT 5 | $x MINID $id
zadd zl:1 0 $m 0 $m 0 $m | $z $d $m | $z NX $d $m $d $m | $z XX CH $d $m | $z GT $d $m | $z INCR $d $m | $z NX XX 1 a | $k 1 a
zcard $z
zcount $z -inf +inf | $z (1 3 | $z x 1
zdiff 2 $z $z WITHSCORES | 0 $z
zdiffstore $z 2 $z $z
zincrby $z $d $m
zinter 2 $z $z WITHSCORES | 2 $z $e AGGREGATE MAX
zintercard 2 $z $z LIMIT 2
zinterstore $z 2 $z $z WEIGHTS 2 3 | $z 2 $z $e
zlexcount $z - + | zl:1 [a (m
zmpop 2 $z $z MIN | 1 $z MAX COUNT 2
zmscore $z $m nosuch
zpopmax $z | $z 2
zpopmin $z | $z 2
zrandmember $z | $z 2 | $z -3 WITHSCORES
zrange $z 0 -1 | $z 0 -1 REV WITHSCORES | $z - + BYLEX LIMIT 0 3 | $z (1 5 BYSCORE
zrangebylex $z - + | zl:1 [a [n LIMIT 0 2
zrangebyscore $z -inf +inf WITHSCORES | $z (1 (9
zrangestore $z $z 0 2
zrank $z $m | $z $m WITHSCORE
zrem $z $m $m
zremrangebylex zl:1 [x [z | zl:1 [a (b
zremrangebyrank $z 10 20
zremrangebyscore $z 100 200
zrevrange $z 0 3 WITHSCORES
zrevrangebylex $z + - LIMIT 0 2
zrevrangebyscore $z 9 1
zrevrank $z $m
zscan $z 0 | $z 0 COUNT 100
zscore $z $m
zunion 2 $z $z WITHSCORES | 2 $z $z AGGREGATE MIN
zunionstore $z 2 $z $z
`

/** Blocking commands: the key that is pushed to is bl:*; how long they wait is chosen by the scene. */
export const blockingRows = `
blpop $bl $to | $bl $bl $to
brpop $bl $to
blmove $bl $bl LEFT RIGHT $to
brpoplpush $bl $bl $to
blmpop $to 2 $bl $bl LEFT | $to 1 $bl RIGHT COUNT 2
bzpopmin $bz $to
bzpopmax $bz $bz $to
bzmpop $to 1 $bz MIN
xread BLOCK $ms STREAMS $bx $
xreadgroup GROUP bg $u BLOCK $ms STREAMS $bx >
`
