// LettuceExercise.java HOST PORT — an exercise of Lettuce, synchronous and asynchronous, over RESP2 and RESP3, with client-side
// caching, and failovers in between. It prints TAP, asks for a failover with `# please: planned` and waits for a line on
// standard input.
import io.lettuce.core.*;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.event.connection.DisconnectedEvent;
import io.lettuce.core.protocol.ProtocolVersion;
import io.lettuce.core.pubsub.*;
import io.lettuce.core.support.caching.*;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;

public class LettuceExercise {
  interface Work { void run() throws Exception; }

  interface Condition { boolean holds() throws Exception; }

  static int count = 0;

  static void check(String name, Work work) {
    try {
      work.run();
      System.out.println("ok " + ++count + " - " + name);
    } catch (Throwable error) {
      System.out.println("not ok " + ++count + " - " + name + "\n# " + String.valueOf(error).replace("\n", "\n# "));
    }
  }

  static void same(Object found, Object wanted) {
    if (!Objects.equals(found, wanted)) throw new AssertionError(found + " is not " + wanted);
  }

  static void fails(Work work) throws Exception {
    try {
      work.run();
    } catch (RedisException expected) {
      return;
    }
    throw new AssertionError("no error");
  }

  static void until(String what, Condition condition) throws Exception {
    for (long ends = System.nanoTime() + 30_000_000_000L; !condition.holds(); Thread.sleep(20))
      if (System.nanoTime() > ends) throw new AssertionError(what + ": not within 30 s");
  }

  public static void main(String[] words) {
    for (ProtocolVersion protocol : new ProtocolVersion[] {ProtocolVersion.RESP2, ProtocolVersion.RESP3}) {
      // Longer than any failover; the library's default is what Holdfast holds a command for.
      RedisURI uri = RedisURI.Builder.redis(words[0], Integer.parseInt(words[1])).withTimeout(Duration.ofSeconds(70)).build();
      RedisClient client = RedisClient.create(uri);
      client.setOptions(ClientOptions.builder().protocolVersion(protocol).build());
      AtomicInteger lost = new AtomicInteger();
      client.getResources().eventBus().get().subscribe(event -> {
        if (event instanceof DisconnectedEvent) lost.incrementAndGet();
      });
      families(client, protocol, lost);
    }
    System.out.println("1.." + count);
    System.exit(0);
  }

  static void families(RedisClient client, ProtocolVersion p, AtomicInteger lost) {
    RedisCommands<String, String> r = client.connect().sync();
    r.flushall();
    check(p + ": strings", () -> {
      same(r.set("s", "a", SetArgs.Builder.nx().ex(100)), "OK");
      same(r.set("s", "b", SetArgs.Builder.nx()), null);
      same(r.append("s", "d"), 2L);
      same(r.mset(Map.of("m1", "1", "m2", "2")), "OK");
      same(r.mget("m1", "no").get(1).hasValue(), false);
      same(r.incrbyfloat("m1", 0.5), 1.5);
      same(r.setbit("bits", 7, 1), 0L);
      same(r.getdel("s"), "ad");
    });
    check(p + ": collections", () -> {
      same(r.rpush("l", "0", "1", "2"), 3L);
      same(r.hset("h", Map.of("a", "1", "b", "2")), 2L);
      same(r.hgetall("h"), Map.of("a", "1", "b", "2"));
      same(r.sadd("set", "x", "y"), 2L);
      same(r.smembers("set"), Set.of("x", "y"));
      same(r.zadd("z", 2.5, "two"), 1L);
      same(r.zscore("z", "two"), 2.5);
      same(r.geoadd("geo", 13.361389, 38.115556, "Palermo"), 1L);
      same(r.pfadd("hll", "a"), 1L);
      String id = r.xadd("x", Map.of("a", "1"));
      same(r.xgroupCreate(XReadArgs.StreamOffset.from("x", "0"), "g"), "OK");
      same(r.xreadgroup(Consumer.from("g", "me"), XReadArgs.StreamOffset.lastConsumed("x")).size(), 1);
      same(r.xack("x", "g", id), 1L);
    });
    check(p + ": iteration", () -> {
      for (int n = 0; n < 300; n++) r.set("scan:" + n, "v");
      Set<String> found = new HashSet<>();
      ScanIterator<String> keys = ScanIterator.scan(r, ScanArgs.Builder.matches("scan:*").limit(20));
      while (keys.hasNext()) found.add(keys.next());
      same(found.size(), 300);
    });
    check(p + ": pipelines", () -> {
      StatefulRedisConnection<String, String> own = client.connect();
      RedisAsyncCommands<String, String> later = own.async();
      own.setAutoFlushCommands(false);
      List<RedisFuture<?>> all = new ArrayList<>();
      for (int n = 0; n < 10_000; n++) {
        all.add(later.set("p:" + n, "v".repeat(100)));
        all.add(later.get("p:" + n));
      }
      own.flushCommands();
      same(LettuceFutures.awaitAll(Duration.ofSeconds(60), all.toArray(new RedisFuture[0])), true);
      own.setAutoFlushCommands(true);
      r.set("w", "text");
      fails(() -> r.incr("w"));
      fails(() -> r.lpush("w", "1"));
    });
    check(p + ": transactions", () -> {
      RedisCommands<String, String> own = client.connect().sync();
      same(own.multi(), "OK");
      own.incr("t");
      own.incr("t");
      same(own.exec().stream().toList(), List.of(1L, 2L));
      own.watch("t");
      r.set("t", "10");
      own.multi();
      own.incr("t");
      same(own.exec().wasDiscarded(), true);
      own.multi();
      own.incr("t");
      same(own.discard(), "OK");
      same(r.get("t"), "10");
    });
    check(p + ": scripts", () -> {
      String sha = r.scriptLoad("return {KEYS[1], ARGV[1], redis.call('incr', KEYS[1])}");
      List<Object> answer = r.evalsha(sha, ScriptOutputType.MULTI, new String[] {"sc"}, "a");
      same(answer, List.of("sc", "a", 1L));
      fails(() -> r.evalsha("0".repeat(40), ScriptOutputType.STATUS));
    });
    check(p + ": blocking", () -> {
      StatefulRedisConnection<String, String> own = client.connect();
      long id = own.sync().clientId();
      RedisFuture<KeyValue<String, String>> popped = own.async().blpop(10, "bl");
      until("it blocks", () -> r.info("clients").contains("blocked_clients:1"));
      r.rpush("bl", "v");
      same(popped.get(10, TimeUnit.SECONDS), KeyValue.just("bl", "v"));
      RedisFuture<KeyValue<String, String>> waiting = own.async().blpop(10, "never");
      until("it is unblocked", () -> r.clientUnblock(id, UnblockType.TIMEOUT) == 1);
      same(waiting.get(10, TimeUnit.SECONDS), null);
    });
    check(p + ": messages", () -> {
      List<String> heard = Collections.synchronizedList(new ArrayList<>());
      StatefulRedisPubSubConnection<String, String> sub = client.connectPubSub();
      sub.addListener(new RedisPubSubAdapter<String, String>() {
        public void message(String channel, String message) { heard.add(message); }
        public void message(String pattern, String channel, String message) { heard.add(message); }
        public void smessage(String channel, String message) { heard.add(message); }
      });
      sub.sync().subscribe("ch" + p);
      sub.sync().psubscribe("pat" + p + "*");
      sub.sync().ssubscribe("shard" + p);
      same(List.of(r.publish("ch" + p, "one"), r.publish("pat" + p + "x", "two"), r.spublish("shard" + p, "three")),
          List.of(1L, 1L, 1L));
      until("three messages", () -> heard.size() == 3);
      sub.sync().unsubscribe("ch" + p);
      if (p == ProtocolVersion.RESP3) same(sub.sync().ping(), "PONG");
    });
    check(p + ": clients", () -> {
      StatefulRedisConnection<String, String> own = client.connect();
      same(own.sync().clientSetname("exercise"), "OK");
      long id = own.sync().clientId();
      String line = Arrays.stream(r.clientList().split("\n")).filter(one -> one.startsWith("id=" + id + " ")).findFirst().get();
      same(line.contains(" name=exercise ") && line.contains(" lib-name=Lettuce"), true);
      same(r.clientKill(KillArgs.Builder.id(id)), 1L);
      until("it has reconnected", () -> own.isOpen() && own.sync().clientId() != id);
    });
    check(p + ": big", () -> {
      String value = "abc\r\n".repeat(2_000_000);
      same(r.set("big", value), "OK");
      same(r.get("big").equals(value), true);
    });
    if (p == ProtocolVersion.RESP3) check(p + ": caching", () -> {
      StatefulRedisConnection<String, String> own = client.connect();
      Map<String, String> near = new ConcurrentHashMap<>();
      CacheFrontend<String, String> cache = ClientSideCaching.enable(CacheAccessor.forMap(near), own, TrackingArgs.Builder.enabled());
      r.set("cached", "1");
      same(cache.get("cached"), "1");
      r.set("cached", "2");
      until("it is forgotten", () -> "2".equals(cache.get("cached")));
    });
    for (String kind : p == ProtocolVersion.RESP2 ? List.of("planned") : List.of("planned", "killed"))
      check(p + ": a " + kind + " failover", () -> failover(kind, client, lost));
  }

  /** Work of every sort goes on meanwhile; none of it sees an error or a lost connection, and what was acknowledged is there. */
  static void failover(String kind, RedisClient client, AtomicInteger lost) throws Exception {
    RedisCommands<String, String> r = client.connect().sync(), transact = client.connect().sync(), pop = client.connect().sync();
    r.del("fo", "fo:q");
    AtomicBoolean over = new AtomicBoolean();
    AtomicLong counted = new AtomicLong(), popped = new AtomicLong(), heard = new AtomicLong();
    List<String> troubles = Collections.synchronizedList(new ArrayList<>());
    int before = lost.get();
    List<Work> steps = List.of(
        () -> { r.incr("fo"); counted.incrementAndGet(); },
        () -> { transact.multi(); transact.set("fo:t", "1"); transact.get("fo:t"); transact.exec(); },
        () -> { if (pop.blpop(1, "fo:q") != null) popped.incrementAndGet(); });
    List<Thread> threads = new ArrayList<>();
    for (Work step : steps) threads.add(new Thread(() -> {
      try {
        while (!over.get()) step.run();
      } catch (Exception error) {
        troubles.add(error.toString());
      }
    }));
    StatefulRedisPubSubConnection<String, String> sub = client.connectPubSub();
    sub.addListener(new RedisPubSubAdapter<String, String>() {
      public void message(String channel, String message) { heard.incrementAndGet(); }
    });
    sub.sync().subscribe("fo:ch");
    threads.forEach(Thread::start);
    System.out.println("# please: " + kind);
    while (System.in.read() != '\n');
    long then = counted.get(), last = heard.get();
    r.rpush("fo:q", "job");
    until("all goes on", () -> {
      r.publish("fo:ch", "m");
      return !troubles.isEmpty() || (counted.get() > then + 50 && popped.get() > 0 && heard.get() > last);
    });
    over.set(true);
    for (Thread thread : threads) thread.join(10_000);
    same(troubles, List.of());
    same(lost.get() - before, 0);
    if (kind.equals("planned")) same(r.get("fo"), String.valueOf(counted.get()));
  }
}
