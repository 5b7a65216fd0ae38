import redis
from redis.sentinel import Sentinel

# No socket_timeout: a command may wait 60 s. redis-py 8 has 5 s where nothing is given.
client = redis.Redis("127.0.0.1", 6379, protocol=3, socket_timeout=None, decode_responses=True)
# An application that can only be told Sentinels:
sentinel = Sentinel([("127.0.0.1", 26379)], socket_timeout=None, decode_responses=True)
other = sentinel.master_for("mymaster")

client.set("greeting", "hello")
print(other.get("greeting"))
