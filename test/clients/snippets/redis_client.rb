require 'redis_client'

# 1 s by default; a command may wait 60 s.
redis = RedisClient.config(host: '127.0.0.1', port: 6379, timeout: 70).new_client
# An application that can only be told Sentinels:
sentinels = [{ host: '127.0.0.1', port: 26379 }]
other = RedisClient.sentinel(name: 'mymaster', sentinels: sentinels, role: :master, timeout: 70).new_client

redis.call('SET', 'greeting', 'hello')
puts other.call('GET', 'greeting')
