# work.rb: the work of a program in Ruby, a thread for each role; each library gives its own commands.
$stdout.sync = true
HOST, PORT, VIA, PROTOCOL, SETTINGS, KEY, STOP_FILE = ARGV
RECOMMENDED = SETTINGS == 'recommended'
SCRIPT = "redis.call('RPUSH', KEYS[1], ARGV[1]) return ARGV[1]"

def say(*words) = $stdout.write(words.join(' ').tr("\n", ' ') + "\n")
def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
def took(since) = ((now - since) * 1000).round

def step(name, n, wanted = nil)
  since = now
  reply = yield
  say('done', name, n, took(since), wanted ? '' : reply)
  say('wrong', name, n, reply) if wanted && reply != wanted
rescue StandardError => e
  say('failed', name, n, took(since), e.class, e.message)
  sleep 0.02
end

# `commands` has set, get, push, pipeline, transaction, script and publish.
def rounds(commands)
  say('ready commands')
  n = 0
  until File.exist?(STOP_FILE)
    item = (n += 1).to_s
    step('commands', n, item) do
      commands.set("#{KEY}:value", item)
      value = commands.get("#{KEY}:value")
      commands.push("#{KEY}:commands", item)
      value
    end
    step('pipeline', n, item) { commands.pipeline(item, "#{KEY}:piped", "#{KEY}:pipeline")[1] }
    step('transaction', n, item) { commands.transaction(item, "#{KEY}:transacted", "#{KEY}:transaction")[1] }
    step('script', n, item) { commands.script(SCRIPT, "#{KEY}:script", item) }
    step('publish', n) { commands.publish("#{KEY}:news", item) }
    step('queue', n) { commands.push("#{KEY}:queue", item) }
    sleep 0.02
  end
  say('ended commands')
end

# The block subscribes and yields what comes: nil for the confirmation, then messages.
def subscriber
  loop do
    since = now
    begin
      yield ->(message) { message ? say('heard', message) : say('ready subscriber') }
    rescue StandardError => e
      say('failed', 'subscribe', 0, took(since), e.class, e.message)
      sleep 0.05
    end
  end
end

# The block waits a second for an element of the queue.
def popper
  say('ready popper')
  loop do
    last = File.exist?(STOP_FILE)
    since = now
    begin
      item = yield
      say('popped', item) if item
      break if last && item.nil?
    rescue StandardError => e
      say('failed', 'pop', 0, took(since), e.class, e.message)
      sleep 0.05
      break if last
    end
  end
  say('ended popper')
end
