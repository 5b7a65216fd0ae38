# redis_client.rb HOST PORT VIA PROTOCOL SETTINGS KEY STOP-FILE: redis-client.
require 'redis_client'
require_relative 'work'

def connect
  options = { protocol: PROTOCOL.to_i, **(RECOMMENDED ? { timeout: 70 } : {}) }
  return RedisClient.config(host: HOST, port: PORT.to_i, **options).new_client if VIA == 'direct'

  sentinels = [{ host: HOST, port: PORT.to_i }]
  RedisClient.sentinel(name: 'mymaster', sentinels: sentinels, role: :master, **options).new_client
end

class Commands
  def initialize = @redis = connect
  def set(key, value) = @redis.call('SET', key, value)
  def get(key) = @redis.call('GET', key)
  def push(key, value) = @redis.call('RPUSH', key, value)
  def script(text, key, argument) = @redis.call('EVAL', text, 1, key, argument)
  def publish(channel, message) = @redis.call('PUBLISH', channel, message)
  def pipeline(item, from, list) = @redis.pipelined { |pipe| fill(pipe, item, from, list) }
  def transaction(item, from, list) = @redis.multi { |multi| fill(multi, item, from, list) }

  def fill(batch, item, from, list)
    batch.call('SET', from, item)
    batch.call('GET', from)
    batch.call('RPUSH', list, item)
  end
end

Thread.new do
  subscriber do |heard|
    pubsub = connect.pubsub
    pubsub.call('SUBSCRIBE', "#{KEY}:news")
    loop do
      kind, _, message = pubsub.next_event(0)
      heard.call(nil) if kind == 'subscribe'
      heard.call(message) if kind == 'message'
    end
  end
end
popping = Thread.new do
  redis = connect
  popper { redis.blocking_call(1, 'BLPOP', "#{KEY}:queue", 1)&.last }
end
Thread.new { rounds(Commands.new) }.join
popping.join
exit!(0)
