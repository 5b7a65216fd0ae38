require 'redis'

# 1 s by default; a command may wait 60 s.
redis = Redis.new(host: '127.0.0.1', port: 6379, timeout: 70)
# An application that can only be told Sentinels:
sentinels = [{ host: '127.0.0.1', port: 26379 }]
other = Redis.new(name: 'mymaster', sentinels: sentinels, role: :master, timeout: 70)

redis.set('greeting', 'hello')
puts other.get('greeting')
