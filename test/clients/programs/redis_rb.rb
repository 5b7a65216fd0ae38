# redis_rb.rb HOST PORT VIA PROTOCOL SETTINGS KEY STOP-FILE: redis-rb.
require 'redis'
require_relative 'work'

def connect
  options = RECOMMENDED ? { timeout: 70 } : {}
  return Redis.new(host: HOST, port: PORT.to_i, **options) if VIA == 'direct'

  Redis.new(name: 'mymaster', sentinels: [{ host: HOST, port: PORT.to_i }], role: :master, **options)
end

class Commands
  def initialize = @redis = connect
  def set(key, value) = @redis.set(key, value)
  def get(key) = @redis.get(key)
  def push(key, value) = @redis.rpush(key, value)
  def script(text, key, argument) = @redis.eval(text, [key], [argument])
  def publish(channel, message) = @redis.publish(channel, message)
  def pipeline(item, from, list) = @redis.pipelined { |pipe| fill(pipe, item, from, list) }
  def transaction(item, from, list) = @redis.multi { |multi| fill(multi, item, from, list) }

  def fill(batch, item, from, list)
    batch.set(from, item)
    batch.get(from)
    batch.rpush(list, item)
  end
end

Thread.new do
  subscriber do |heard|
    connect.subscribe("#{KEY}:news") do |on|
      on.subscribe { heard.call(nil) }
      on.message { |_, message| heard.call(message) }
    end
  end
end
popping = Thread.new do
  redis = connect
  popper { redis.blpop("#{KEY}:queue", timeout: 1)&.last }
end
Thread.new { rounds(Commands.new) }.join
popping.join
exit!(0)
