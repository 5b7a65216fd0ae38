// LettuceProgram.java HOST PORT VIA PROTOCOL SETTINGS KEY STOP-FILE: Lettuce, a connection for each role.
import io.lettuce.core.*;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.protocol.ProtocolVersion;
import io.lettuce.core.pubsub.*;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

public class LettuceProgram {
  public static void main(String[] words) throws Exception {
    Work work = new Work(words);
    RedisURI.Builder uri = work.via.equals("direct")
        ? RedisURI.builder().withHost(work.host).withPort(work.port)
        : RedisURI.builder().withSentinel(work.host, work.port).withSentinelMasterId("mymaster");
    if (work.recommended) uri.withTimeout(Duration.ofSeconds(70));
    RedisClient client = RedisClient.create(uri.build());
    client.setOptions(ClientOptions.builder()
        .protocolVersion(work.protocol == 3 ? ProtocolVersion.RESP3 : ProtocolVersion.RESP2).build());
    work.run(new Library(client, client.connect()));
  }

  record Library(RedisClient client, StatefulRedisConnection<String, String> popping) implements Work.Library {
    public Work.Commands commands() { return new Commands(client.connect(), client.connect()); }

    public void subscribe(String channel, Work.Heard heard) throws Exception {
      var connection = client.connectPubSub();
      connection.addListener(new RedisPubSubAdapter<String, String>() {
        public void subscribed(String name, long count) { heard.message(null); }
        public void message(String name, String text) { heard.message(text); }
      });
      connection.sync().subscribe(channel);
      Thread.sleep(Long.MAX_VALUE);
    }

    public String pop(String key) {
      KeyValue<String, String> popped = popping.sync().blpop(1, key);
      return popped == null ? null : popped.getValue();
    }
  }

  /** A pipeline is what is written while automatic flushing is off, which needs a connection of its own. */
  record Commands(StatefulRedisConnection<String, String> one, StatefulRedisConnection<String, String> piped)
      implements Work.Commands {
    public void set(String key, String value) { one.sync().set(key, value); }
    public String get(String key) { return one.sync().get(key); }
    public long push(String key, String value) { return one.sync().rpush(key, value); }
    public String script(String text, String key, String argument) {
      return one.sync().eval(text, ScriptOutputType.VALUE, new String[] {key}, argument);
    }
    public long publish(String channel, String message) { return one.sync().publish(channel, message); }

    public String pipeline(String item, String from, String list) throws Exception {
      piped.setAutoFlushCommands(false);
      var commands = piped.async();
      var set = commands.set(from, item);
      var value = commands.get(from);
      var pushed = commands.rpush(list, item);
      piped.flushCommands();
      long seconds = piped.getTimeout().toSeconds();
      set.get(seconds, TimeUnit.SECONDS);
      pushed.get(seconds, TimeUnit.SECONDS);
      return value.get(seconds, TimeUnit.SECONDS);
    }

    public String transaction(String item, String from, String list) {
      var commands = one.sync();
      commands.multi();
      commands.set(from, item);
      commands.get(from);
      commands.rpush(list, item);
      return commands.exec().get(1);
    }
  }
}
