import java.util.Set;
import redis.clients.jedis.*;

public class JedisSnippet {
  public static void main(String[] words) {
    // 2 s by default; a command may wait 60 s. blockingSocketTimeoutMillis stays as it is: none.
    JedisClientConfig config = DefaultJedisClientConfig.builder().socketTimeoutMillis(70_000).build();
    RedisClient redis = RedisClient.builder().hostAndPort("127.0.0.1", 6379).clientConfig(config).build();
    // An application that can only be told Sentinels:
    RedisSentinelClient other = RedisSentinelClient.builder().masterName("mymaster").clientConfig(config)
        .sentinels(Set.of(new HostAndPort("127.0.0.1", 26379)))
        .sentinelClientConfig(DefaultJedisClientConfig.builder().autoNegotiateProtocol(false).build()).build();
    redis.set("greeting", "hello");
    System.out.println(other.get("greeting"));
    System.exit(0);
  }
}
