# redis_rb.rb HOST PORT — an exercise of redis-rb and, for RESP2 and RESP3, of the redis-client below it; failovers in between.
# It prints TAP, asks for a failover with `# please: planned` and waits for a line on standard input.
require 'redis'
require 'redis_client'

HOST, PORT = ARGV[0], ARGV[1].to_i
$stdout.sync = true
$count = 0

# A failover by crash takes longer than the library's default of one second.
def connect(**options) = Redis.new(host: HOST, port: PORT, timeout: 70, **options)
def low(protocol) = RedisClient.config(host: HOST, port: PORT, protocol: protocol, timeout: 70).new_client

def check(name)
  yield
  puts "ok #{$count += 1} - #{name}"
rescue StandardError => e
  puts "not ok #{$count += 1} - #{name}", "# #{e.class} #{e.message[0, 400].gsub("\n", "\n# ")} #{e.backtrace[0, 3]}"
end

def same(found, wanted)
  raise "#{found.inspect[0, 200]} is not #{wanted.inspect[0, 200]}" unless found == wanted
end

def raises(kind)
  yield
rescue kind
  nil
else
  raise "no #{kind}"
end

def within(seconds)
  ends = Process.clock_gettime(Process::CLOCK_MONOTONIC) + seconds
  sleep 0.02 until yield || Process.clock_gettime(Process::CLOCK_MONOTONIC) > ends
end

r = connect
r.flushall

check('strings') do
  same(r.set('s', 'a', ex: 100, nx: true), true)
  same(r.set('s', 'b', nx: true), false)
  same(r.append('s', 'd'), 2)
  same(r.getex('s', px: 5000), 'ad')
  same(r.mset('m1', 1, 'm2', 2), 'OK')
  same(r.mget('m1', 'm2', 'no'), ['1', '2', nil])
  same(r.incrbyfloat('m1', 0.5), 1.5)
  same(r.setbit('bits', 7, 1), 0)
  same(r.bitcount('bits'), 1)
  same(r.getdel('s'), 'ad')
end

check('collections') do
  same(r.rpush('l', [0, 1, 2, 3, 4]), 5)
  same(r.lmove('l', 'l2', 'LEFT', 'RIGHT'), '0')
  same(r.hset('h', 'a', 1, 'b', 2), 2)
  same(r.hgetall('h'), { 'a' => '1', 'b' => '2' })
  same(r.sadd('set', %w[x y]), 2)
  same(r.smembers('set').sort, %w[x y])
  same(r.zadd('z', [[1, 'one'], [2.5, 'two']]), 2)
  same(r.zrange('z', 0, -1, with_scores: true), [['one', 1.0], ['two', 2.5]])
  same(r.geoadd('geo', 13.361389, 38.115556, 'Palermo'), 1)
  same(r.pfadd('hll', %w[a b]) && r.pfcount('hll'), 2)
end

check('iteration') do
  500.times { |n| r.set("scan:#{n}", n) }
  same(r.scan_each(match: 'scan:*', count: 20).to_a.uniq.size, 500)
  r.hset('bigh', (0...600).to_h { |n| ["f#{n}", n] })
  same(r.hscan_each('bigh').to_a.uniq.size, 600)
  same(r.sort('l', order: 'DESC'), %w[4 3 2 1])
  same(r.dump('m2').nil?, false)
end

check('streams') do
  first = r.xadd('x', { a: 1 })
  r.xadd('x', { a: 2 })
  same(r.xgroup(:create, 'x', 'g', '0'), 'OK')
  same(r.xreadgroup('g', 'me', 'x', '>', count: 1)['x'].size, 1)
  same(r.xack('x', 'g', first), 1)
  same(r.xrange('x').size, 2)
  same(r.xread('x', '$', block: 100), {})
end

check('pipelines') do
  same(r.pipelined { |p| 10_000.times { |n| p.set("p:#{n}", 'v' * 100); p.get("p:#{n}") } }.size, 20_000)
  mixed = r.pipelined(exception: false) { |p| p.set('w', 'text'); p.incr('w'); p.get('w') }
  same(mixed[1].is_a?(StandardError), true)
  same(mixed[2], 'text')
end

check('transactions') do
  same(r.multi { |m| m.incr('t'); m.incr('t') }, [1, 2])
  lost = r.watch('t') do |w|
    connect.set('t', 10)
    w.multi { |m| m.incr('t') }
  end
  same(lost, nil)
  same(r.watch('t') { |w| w.multi { |m| m.incr('t') } }, [11])
  raises(Redis::CommandError) { r.multi { |m| m.set('t', 'x'); m.call('NOSUCH') } }
  same(r.get('t'), '11')
end

check('scripts') do
  sha = r.script(:load, "return {KEYS[1], ARGV[1], redis.call('incr', KEYS[1])}")
  same(r.evalsha(sha, ['sc'], ['a']), ['sc', 'a', 1])
  raises(Redis::CommandError) { r.evalsha('0' * 40) }
  same(r.script(:exists, ['0' * 40]), [false])
end

check('blocking') do
  Thread.new { sleep 0.1; connect.rpush('bl', 'v') }
  same(r.blpop('bl', timeout: 5), %w[bl v])
  same(r.brpop('bl', timeout: 0.1), nil)
  same(r.blmove('bl', 'bl2', 'LEFT', 'RIGHT', timeout: 0.1), nil)
  Thread.new { sleep 0.1; connect.zadd('bz', 1, 'm') }
  same(r.bzpopmin('bz', timeout: 5), ['bz', 'm', 1.0])
end

check('messages') do
  heard = []
  connect.subscribe('ch', 'ch2') do |on|
    on.subscribe { |_, total| Thread.new { connect.publish('ch', 'one'); connect.publish('ch2', 'two') } if total == 2 }
    on.message { |_, message| raise StopIteration if (heard << message).size == 2 }
  end
rescue StopIteration
  same(heard.sort, %w[one two])
end

check('clients') do
  other = connect
  other.call('CLIENT', 'SETNAME', 'exercise')
  id = other.call('CLIENT', 'ID')
  line = r.client(:list).find { |c| c['id'].to_i == id }
  same([line['name'], line['cmd']], ['exercise', 'client|id'])
  same(r.call('CLIENT', 'KILL', 'ID', id), 1)
  same(r.client(:list).none? { |c| c['id'].to_i == id }, true)
end

check('server') do
  same([r.ping, r.echo('x'), r.info['role']], %w[PONG x master])
  same(r.config(:get, 'maxmemory-policy'), { 'maxmemory-policy' => 'noeviction' })
  same(r.dbsize.positive? && r.time.size, 2)
  same(connect(db: 3).set('in3', 1) && r.get('in3'), nil)
  lines = []
  watcher = connect
  seen = Thread.new { watcher.monitor { |line| lines << line; break if line.include?('seen') } }
  within(5) { connect.set('seen', 1); lines.any? { |line| line.include?('seen') } }
  seen.kill
  same(lines.any? { |line| line.include?('seen') }, true)
end

check('big') do
  value = (0..255).to_a.pack('C*') * 40_000
  same(r.set('big', value), 'OK')
  same(r.get('big').b == value, true)
end

check('errors') do
  r.set('str', 'x')
  raises(Redis::CommandError) { r.lpush('str', 1) }
  raises(Redis::CommandError) { r.incr('str') }
  raises(Redis::CommandError) { r.call('NOSUCH') }
end

[2, 3].each do |protocol|
  check("redis-client, RESP#{protocol}") do
    c = low(protocol)
    c.call('DEL', 'c', 'ch')
    same(c.call('SET', 'c', 1, ex: 100), 'OK')
    same(c.call('HSET', 'ch', { a: 1 }), 1)
    same(c.call('HGETALL', 'ch').to_a.flatten, %w[a 1])
    same(c.pipelined { |p| 1000.times { |n| p.call('SET', "c:#{n}", n) } }.size, 1000)
    same(c.multi(watch: ['c']) { |m| m.call('INCR', 'c') }, [2])
    same(c.blocking_call(5, 'BLPOP', 'none', 0.1), nil)
    same(c.scan('MATCH', 'c:*').to_a.size, 1000)
    raises(RedisClient::CommandError) { c.call('NOSUCH') }
    sub = c.pubsub
    sub.call('SUBSCRIBE', 'chan')
    same(sub.next_event(5), ['subscribe', 'chan', 1])
    low(protocol).call('PUBLISH', 'chan', 'm')
    same(sub.next_event(5), %w[message chan m])
  end
end

# Work of every sort goes on meanwhile; none of it sees an error, and what was acknowledged is there.
%w[planned killed].each do |kind|
  check("a #{kind} failover") do
    over = false
    troubles, heard, counted, popped = [], 0, 0, 0
    r.del('fo', 'fo:q')
    work = {
      incr: ->(c) { c.incr('fo'); counted += 1 },
      transact: ->(c) { c.multi { |m| m.set('fo:t', 1); m.get('fo:t') } },
      pop: ->(c) { popped += 1 if c.blpop('fo:q', timeout: 1) },
    }
    threads = work.values.map do |step|
      Thread.new do
        c = connect
        step.call(c) until over
      rescue StandardError => e
        troubles << e.message
      end
    end
    sub = low(3).pubsub
    sub.call('SUBSCRIBE', 'fo:ch')
    threads << Thread.new do
      heard += 1 if sub.next_event(0.1)&.first == 'message' until over
    rescue StandardError => e
      troubles << e.message
    end
    puts "# please: #{kind}"
    $stdin.gets
    before = counted
    within(30) { counted > before + 50 || troubles.any? }
    r.rpush('fo:q', 'job')
    within(30) { r.publish('fo:ch', 'still here'); (heard.positive? && popped.positive?) || troubles.any? }
    over = true
    threads.each { |thread| thread.join(80) }
    same(troubles, [])
    same([heard.positive?, popped.positive?], [true, true])
    same(r.get('fo').to_i, counted) if kind == 'planned'
  end
end
puts "1..#{$count}"
