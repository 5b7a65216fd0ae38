import io.lettuce.core.*;
import java.time.Duration;

public class LettuceSnippet {
  public static void main(String[] words) {
    // 60 s by default, as long as a command may wait.
    RedisURI uri = RedisURI.builder().withHost("127.0.0.1").withPort(6379).withTimeout(Duration.ofSeconds(70)).build();
    RedisClient redis = RedisClient.create(uri);
    // An application that can only be told Sentinels:
    RedisClient other = RedisClient.create(RedisURI.builder().withSentinel("127.0.0.1", 26379)
        .withSentinelMasterId("mymaster").withTimeout(Duration.ofSeconds(70)).build());
    redis.connect().sync().set("greeting", "hello");
    System.out.println(other.connect().sync().get("greeting"));
    System.exit(0);
  }
}
