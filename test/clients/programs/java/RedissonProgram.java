// RedissonProgram.java HOST PORT VIA PROTOCOL SETTINGS KEY STOP-FILE: Redisson, one client for all roles.
import java.util.*;
import java.util.concurrent.TimeUnit;
import org.redisson.Redisson;
import org.redisson.api.*;
import org.redisson.api.BatchOptions.ExecutionMode;
import org.redisson.client.codec.StringCodec;
import org.redisson.config.*;

public class RedissonProgram {
  public static void main(String[] words) throws Exception {
    Work work = new Work(words);
    Config config = new Config();
    config.setProtocol(work.protocol == 3 ? Protocol.RESP3 : Protocol.RESP2);
    String at = "redis://" + work.host + ":" + work.port;
    if (work.via.equals("direct")) {
      var server = config.useSingleServer().setAddress(at);
      if (work.recommended) server.setTimeout(70_000);
    } else {
      // One Sentinel is enough: it is Holdfast.
      var servers = config.useSentinelServers().setMasterName("mymaster").addSentinelAddress(at).setCheckSentinelsList(false);
      if (work.recommended) servers.setTimeout(70_000).setReadMode(ReadMode.MASTER);
    }
    work.run(new Library(Redisson.create(config), work.recommended));
  }

  record Library(RedissonClient client, boolean waitsWithoutEnd) implements Work.Library {
    public Work.Commands commands() { return new Commands(client); }

    public void subscribe(String channel, Work.Heard heard) throws Exception {
      client.getTopic(channel, StringCodec.INSTANCE).addListener(String.class, (name, text) -> heard.message(text));
      heard.message(null);
      Thread.sleep(Long.MAX_VALUE);
    }

    public String pop(String key) throws Exception {
      RBlockingQueue<String> queue = client.getBlockingQueue(key, StringCodec.INSTANCE);
      return waitsWithoutEnd ? queue.take() : queue.poll(1, TimeUnit.SECONDS);
    }
  }

  record Commands(RedissonClient client) implements Work.Commands {
    public void set(String key, String value) { client.getBucket(key, StringCodec.INSTANCE).set(value); }
    public String get(String key) { return (String) client.getBucket(key, StringCodec.INSTANCE).get(); }
    public long push(String key, String value) {
      client.getList(key, StringCodec.INSTANCE).add(value);
      return 0;
    }
    public String script(String text, String key, String argument) {
      return client.getScript(StringCodec.INSTANCE)
          .eval(RScript.Mode.READ_WRITE, text, RScript.ReturnType.VALUE, List.of(key), argument);
    }
    public long publish(String channel, String message) {
      return client.getTopic(channel, StringCodec.INSTANCE).publish(message);
    }
    public String pipeline(String item, String from, String list) {
      return batch(ExecutionMode.IN_MEMORY, item, from, list);
    }
    public String transaction(String item, String from, String list) {
      return batch(ExecutionMode.IN_MEMORY_ATOMIC, item, from, list);
    }

    private String batch(ExecutionMode mode, String item, String from, String list) {
      RBatch batch = client.createBatch(BatchOptions.defaults().executionMode(mode));
      batch.getBucket(from, StringCodec.INSTANCE).setAsync(item);
      batch.getBucket(from, StringCodec.INSTANCE).getAsync();
      batch.getList(list, StringCodec.INSTANCE).addAsync(item);
      return (String) batch.execute().getResponses().get(1);
    }
  }
}
