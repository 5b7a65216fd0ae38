# redis_py.py HOST PORT — an exercise of redis-py: every family of commands, over RESP2 and RESP3, and failovers in between.
# It prints TAP, asks for a failover with `# please: planned` and waits for a line on standard input.
import asyncio
import sys
import threading
import time

import redis
import redis.asyncio

HOST, PORT = sys.argv[1], int(sys.argv[2])
count = 0


def connect(**options):
    return redis.Redis(host=HOST, port=PORT, **options)


def tell(name, error=None):
    global count
    count += 1
    print(f"{'ok' if error is None else 'not ok'} {count} - {name}")
    if error is not None:
        print('# ' + repr(error).replace('\n', '\n# '))
    sys.stdout.flush()


def check(name, work, *args):
    try:
        work(*args)
        tell(name)
    except Exception as error:
        tell(name, error)


def same(found, wanted):
    if found != wanted:
        raise AssertionError(f'{found!r} is not {wanted!r}')


def strings(r):
    same(r.set('s', 'a', ex=100, nx=True), True)
    same(r.set('s', 'b', nx=True), None)
    same(r.set('s', 'c', get=True), b'a')
    same(r.getex('s', px=5000), b'c')
    same(r.append('s', 'd'), 2)
    same(r.getrange('s', 0, 0), b'c')
    same(r.mset({'m1': 1, 'm2': 2}), True)
    same(r.mget('m1', 'm2', 'no'), [b'1', b'2', None])
    same(r.incrbyfloat('m1', 0.5), 1.5)
    same(r.setbit('bits', 7, 1), 0)
    same(r.bitcount('bits'), 1)
    same(r.getdel('s'), b'c' + b'd')


def collections(r):
    same(r.rpush('l', *range(5)), 5)
    same(r.lmove('l', 'l2', 'LEFT', 'RIGHT'), b'0')
    same(r.lpos('l', 3), 2)
    same(r.hset('h', mapping={'a': 1, 'b': 2}), 2)
    same(r.hgetall('h'), {b'a': b'1', b'b': b'2'})
    same(r.hrandfield('h', 5) and r.hlen('h'), 2)
    same(r.hexpire('h', 100, 'a'), [1])
    same(r.sadd('set', 'x', 'y'), 2)
    same(r.smembers('set'), {b'x', b'y'})
    same(r.smismember('set', 'x', 'z'), [1, 0])
    same(r.zadd('z', {'one': 1, 'two': 2.5}), 2)
    same(r.zrange('z', 0, -1, withscores=True) != [], True)
    same(r.zscore('z', 'two'), 2.5)
    same(r.geoadd('geo', (13.361389, 38.115556, 'Palermo')), 1)
    same(r.pfadd('hll', 'a', 'b') and r.pfcount('hll'), 2)


def iteration(r):
    r.mset({f'scan:{n}': n for n in range(500)})
    same(len(set(r.scan_iter('scan:*', count=20))), 500)
    r.hset('bigh', mapping={f'f{n}': n for n in range(600)})
    same(len(dict(r.hscan_iter('bigh'))), 600)
    r.sort('l', desc=True, store='sorted')
    same(r.lrange('sorted', 0, 0), [b'4'])
    same(r.dump('sorted') is not None, True)
    same(r.object('encoding', 'm2'), b'int')


def streams(r):
    first = r.xadd('x', {'a': 1})
    r.xadd('x', {'a': 2})
    same(r.xlen('x'), 2)
    same(r.xgroup_create('x', 'g', id='0'), True)
    got = r.xreadgroup('g', 'me', {'x': '>'}, count=1)
    same(bool(got), True)
    same(r.xpending('x', 'g')['pending'], 1)
    same(r.xack('x', 'g', first), 1)
    same(len(r.xrange('x')), 2)
    same(r.xinfo_groups('x')[0]['consumers'], 1)
    same(r.xread({'x': '$'}, block=100) in ([], {}), True)


def pipelines(r):
    pipe = r.pipeline(transaction=False)
    for n in range(10_000):
        pipe.set(f'p:{n}', 'v' * 100).get(f'p:{n}')
    same(len(pipe.execute()), 20_000)
    mixed = r.pipeline(transaction=False).set('w', 'text').incr('w').get('w').execute(raise_on_error=False)
    same(isinstance(mixed[1], redis.ResponseError), True)
    same(mixed[2], b'text')


def transactions(r):
    same(r.pipeline().incr('t').incr('t').execute(), [1, 2])
    with r.pipeline() as pipe:
        pipe.watch('t')
        same(pipe.get('t'), b'2')
        connect().set('t', 10)
        pipe.multi()
        pipe.incr('t')
        try:
            pipe.execute()
            raise AssertionError('the race was not lost')
        except redis.WatchError:
            pass
    same(r.transaction(lambda p: (p.get('t'), p.multi(), p.incr('t')), 't'), [11])
    try:
        r.pipeline().set('t', 'x').execute_command('NOSUCH').execute()
        raise AssertionError('EXEC was not aborted')
    except redis.ResponseError:
        pass
    same(r.get('t'), b'11')


def scripts(r):
    script = r.register_script("return {KEYS[1], ARGV[1], redis.call('incr', KEYS[1])}")
    same(script(keys=['sc'], args=['a']), [b'sc', b'a', 1])
    same(r.eval("return redis.error_reply('READONLY of its own') ~= nil", 0), 1)
    try:
        r.evalsha('0' * 40, 0)
        raise AssertionError('no NOSCRIPT')
    except redis.exceptions.NoScriptError:
        pass
    r.function_load("#!lua name=ex\nredis.register_function('f', function(k, a) return a[1] end)", replace=True)
    same(r.fcall('f', 0, 'out'), b'out')
    same(r.script_exists('0' * 40), [False])


def blocking(r):
    threading.Timer(0.1, lambda: connect().rpush('bl', 'v')).start()
    same([*r.blpop('bl', 5)], [b'bl', b'v'])
    same(r.brpop('bl', 0.1), None)
    same(r.blmove('bl', 'bl2', 0.1), None)
    threading.Timer(0.1, lambda: connect().zadd('bz', {'m': 1})).start()
    same(r.bzpopmin('bz', 5)[1], b'm')
    same(r.wait(0, 100) >= 0, True)


def messages(r):
    sub = r.pubsub(ignore_subscribe_messages=True)
    sub.subscribe('ch')
    sub.psubscribe('pat*')
    sub.ssubscribe('shard')
    # What follows is heard: the three confirmations have been read.
    for _ in range(3):
        sub.get_message(timeout=1)
    sent = connect()
    same(sent.publish('ch', 'one'), 1)
    same(sent.publish('pattern', 'two'), 1)
    same(sent.spublish('shard', 'three'), 1)
    heard = []
    until = time.time() + 5
    while len(heard) < 3 and time.time() < until:
        message = sub.get_message(timeout=0.2) or sub.get_sharded_message(timeout=0.2)
        if message:
            heard.append(message['data'])
    same(sorted(heard), [b'one', b'three', b'two'])
    sub.unsubscribe()
    sub.ping()
    sub.close()


def clients(r):
    protocol = r.get_connection_kwargs().get('protocol', 2)
    r = connect(client_name='exercise', protocol=protocol, single_connection_client=True, decode_responses=True)
    same(r.client_getname(), 'exercise')
    me = r.client_id()
    same(int(r.client_info()['id']), me)
    [line] = [c for c in r.client_list() if int(c['id']) == me]
    same((line['name'], line['lib-name']), ('exercise', 'redis-py'))
    same(r.client_setname('other'), True)
    same(r.client_no_evict('on') in ('OK', True), True)
    other = connect(single_connection_client=True)
    target = other.client_id()
    same(r.client_kill_filter(_id=target), 1)
    same(any(int(c['id']) == target for c in r.client_list()), False)
    waiting = connect(single_connection_client=True)
    blocked = waiting.client_id()
    out = []
    thread = threading.Thread(target=lambda: out.append(waiting.blpop('never', 10)))
    thread.start()
    until = time.time() + 5
    while not r.client_unblock(blocked) and time.time() < until:
        time.sleep(0.02)
    thread.join(5)
    same(out, [None])


def server(r):
    same(r.ping(), True)
    same(r.echo('x'), b'x')
    same(r.info()['role'], 'master')
    same(r.config_get('maxmemory-policy'), {'maxmemory-policy': 'noeviction'})
    same(r.dbsize() > 0, True)
    same(r.time()[0] > 0, True)
    same('get' in r.command(), True)
    same(isinstance(r.slowlog_get(), list), True)
    same(r.memory_usage('m2') > 0, True)
    same(r.acl_whoami() in ('default', b'default'), True)
    same(connect(db=3).set('in3', 1) and r.get('in3'), None)
    connect(db=3).flushdb()
    with r.monitor() as monitor:
        connect().set('seen', 1)
        until = time.time() + 5
        while time.time() < until and 'seen' not in monitor.next_command()['command']:
            pass


def big(r):
    value = bytes(range(256)) * 40_000
    same(r.set('big', value), True)
    same(r.get('big') == value, True)
    r.rpush('biglist', *[b'x' * 1000] * 10_000)
    same(len(r.lrange('biglist', 0, -1)), 10_000)


def errors(r):
    r.set('str', 'x')
    for work in (lambda: r.lpush('str', 1), lambda: r.incr('str'), lambda: r.execute_command('NOSUCH'), lambda: r.execute_command('GET')):
        try:
            work()
            raise AssertionError('no error')
        except redis.ResponseError:
            pass


def caching(_):
    from redis.cache import CacheConfig

    r = connect(protocol=3, cache_config=CacheConfig())
    r.set('cached', 1)
    same(r.get('cached'), b'1')
    connect().set('cached', 2)
    until = time.time() + 5
    while r.get('cached') != b'2' and time.time() < until:
        time.sleep(0.02)
    same(r.get('cached'), b'2')


async def asynchronous(protocol):
    r = redis.asyncio.Redis(host=HOST, port=PORT, protocol=protocol)
    same(await asyncio.gather(*[r.incr('async') for _ in range(500)]) is not None, True)
    same(await r.get('async'), b'500')
    async with r.pubsub() as sub:
        await sub.subscribe('ach')
        same((await sub.get_message(timeout=5))['type'], 'subscribe')
        await r.publish('ach', 'm')
        same((await sub.get_message(timeout=5))['data'], b'm')
    async with r.pipeline(transaction=True) as pipe:
        same(await pipe.set('a', 1).get('a').execute(), [True, b'1'])
    await r.flushdb()
    await r.aclose()


def failover(kind, protocol):
    """Work of every sort goes on meanwhile; none of it sees an error, and what was acknowledged is there."""
    over = threading.Event()
    troubles, done, heard = [], {'incr': 0, 'popped': 0}, []
    r = connect(protocol=protocol)
    r.delete('fo', 'fo:q')
    sub = r.pubsub(ignore_subscribe_messages=True)
    sub.subscribe('fo:ch')

    def loop(step):
        try:
            while not over.is_set():
                step()
        except Exception as error:
            troubles.append(repr(error))

    def incr():
        connection.incr('fo')
        done['incr'] += 1

    def transact():
        worker.pipeline().set('fo:t', 1).get('fo:t').execute()

    def pop():
        if popper.blpop('fo:q', 1):
            done['popped'] += 1

    def hear():
        message = sub.get_message(timeout=0.1)
        if message:
            heard.append(message)

    connection, worker, popper = connect(protocol=protocol), connect(protocol=protocol), connect(protocol=protocol)
    threads = [threading.Thread(target=loop, args=(step,)) for step in (incr, transact, pop, hear)]
    for thread in threads:
        thread.start()
    print(f'# please: {kind}', flush=True)
    sys.stdin.readline()
    # Everything has gone on behind it.
    before, until = done['incr'], time.time() + 30
    while done['incr'] < before + 50 and time.time() < until:
        time.sleep(0.05)
    r.rpush('fo:q', 'job')
    while (not heard or not done['popped']) and time.time() < until:
        r.publish('fo:ch', 'still here')
        time.sleep(0.05)
    over.set()
    for thread in threads:
        thread.join(10)
    same(troubles, [])
    same((bool(heard), done['popped'] > 0), (True, True))
    counter = int(r.get('fo'))
    if kind == 'planned':
        same(counter, done['incr'])


families = [strings, collections, iteration, streams, pipelines, transactions, scripts, blocking, messages, clients, server, big, errors]
for protocol in (2, 3):
    client = connect(protocol=protocol)
    client.flushall()
    for family in families:
        check(f'RESP{protocol}: {family.__name__}', family, client)
    check(f'RESP{protocol}: asyncio', lambda: asyncio.run(asynchronous(protocol)))
    for kind in ('planned', 'killed') if protocol == 3 else ('planned',):
        check(f'RESP{protocol}: a {kind} failover', failover, kind, protocol)
check('RESP3: caching', caching, None)
print(f'1..{count}')
