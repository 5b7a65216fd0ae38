// JedisProgram.java HOST PORT VIA PROTOCOL SETTINGS KEY STOP-FILE: Jedis, one pooled client for all roles.
import java.util.*;
import redis.clients.jedis.*;

public class JedisProgram {
  public static void main(String[] words) throws Exception {
    Work work = new Work(words);
    var config = DefaultJedisClientConfig.builder().protocol(work.protocol == 3 ? RedisProtocol.RESP3 : RedisProtocol.RESP2);
    if (work.recommended) config.socketTimeoutMillis(70_000);
    HostAndPort at = new HostAndPort(work.host, work.port);
    UnifiedJedis jedis = work.via.equals("direct")
        ? RedisClient.builder().hostAndPort(at).clientConfig(config.build()).build()
        : RedisSentinelClient.builder().masterName("mymaster").sentinels(Set.of(at)).clientConfig(config.build())
            .sentinelClientConfig(DefaultJedisClientConfig.builder().autoNegotiateProtocol(false).build()).build();
    work.run(new Library(jedis));
  }

  record Library(UnifiedJedis jedis) implements Work.Library {
    public Work.Commands commands() { return new Commands(jedis); }

    public void subscribe(String channel, Work.Heard heard) {
      jedis.subscribe(new JedisPubSub() {
        public void onSubscribe(String name, int count) { heard.message(null); }
        public void onMessage(String name, String text) { heard.message(text); }
      }, channel);
    }

    public String pop(String key) {
      List<String> popped = jedis.blpop(1, key);
      return popped == null ? null : popped.get(1);
    }
  }

  record Commands(UnifiedJedis jedis) implements Work.Commands {
    public void set(String key, String value) { jedis.set(key, value); }
    public String get(String key) { return jedis.get(key); }
    public long push(String key, String value) { return jedis.rpush(key, value); }
    public String script(String text, String key, String argument) {
      return (String) jedis.eval(text, List.of(key), List.of(argument));
    }
    public long publish(String channel, String message) { return jedis.publish(channel, message); }

    public String pipeline(String item, String from, String list) {
      try (AbstractPipeline pipe = jedis.pipelined()) {
        pipe.set(from, item);
        Response<String> value = pipe.get(from);
        pipe.rpush(list, item);
        pipe.sync();
        return value.get();
      }
    }

    public String transaction(String item, String from, String list) {
      try (AbstractTransaction multi = jedis.multi()) {
        multi.set(from, item);
        multi.get(from);
        multi.rpush(list, item);
        return (String) multi.exec().get(1);
      }
    }
  }
}
