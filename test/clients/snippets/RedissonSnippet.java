import org.redisson.Redisson;
import org.redisson.config.*;

public class RedissonSnippet {
  public static void main(String[] words) {
    Config direct = new Config();
    // 3 s by default; a command may wait 60 s.
    direct.useSingleServer().setAddress("redis://127.0.0.1:6379").setTimeout(70_000);
    // An application that can only be told Sentinels; one is enough, because it is Holdfast:
    Config asked = new Config();
    asked.useSentinelServers().setMasterName("mymaster").addSentinelAddress("redis://127.0.0.1:26379")
        .setCheckSentinelsList(false).setReadMode(ReadMode.MASTER).setTimeout(70_000);
    Redisson.create(direct).getBucket("greeting").set("hello");
    System.out.println(Redisson.create(asked).getBucket("greeting").get());
    System.exit(0);
  }
}
