// JedisExercise.java HOST PORT — an exercise of Jedis over RESP2 and RESP3, and failovers in between. It prints TAP, asks for a
// failover with `# please: planned` and waits for a line on standard input.
import java.util.*;
import java.util.concurrent.atomic.*;
import redis.clients.jedis.*;
import redis.clients.jedis.exceptions.*;
import redis.clients.jedis.params.*;

public class JedisExercise {
  interface Work { void run() throws Exception; }

  static int count = 0;
  static String host;
  static int port;

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
    } catch (JedisDataException expected) {
      return;
    }
    throw new AssertionError("no error");
  }

  interface Condition { boolean holds() throws Exception; }

  static void until(String what, Condition condition) throws Exception {
    for (long ends = System.nanoTime() + 30_000_000_000L; !condition.holds(); Thread.sleep(20))
      if (System.nanoTime() > ends) throw new AssertionError(what + ": not within 30 s");
  }

  /** A crash takes longer than the library's default of two seconds. */
  static Jedis connect(RedisProtocol protocol) {
    return new Jedis(new HostAndPort(host, port),
        DefaultJedisClientConfig.builder().protocol(protocol).timeoutMillis(70_000).clientName("exercise").build());
  }

  public static void main(String[] words) {
    host = words[0];
    port = Integer.parseInt(words[1]);
    for (RedisProtocol protocol : new RedisProtocol[] {RedisProtocol.RESP2, RedisProtocol.RESP3}) families(protocol);
    System.out.println("1.." + count);
    System.exit(0);
  }

  static void families(RedisProtocol p) {
    Jedis r = connect(p);
    r.flushAll();
    check(p + ": strings", () -> {
      same(r.set("s", "a", SetParams.setParams().ex(100).nx()), "OK");
      same(r.set("s", "b", SetParams.setParams().nx()), null);
      same(r.append("s", "d"), 2L);
      same(r.mset("m1", "1", "m2", "2"), "OK");
      same(r.mget("m1", "m2", "no"), Arrays.asList("1", "2", null));
      same(r.incrByFloat("m1", 0.5), 1.5);
      same(r.setbit("bits", 7, true), false);
      same(r.getDel("s"), "ad");
    });
    check(p + ": collections", () -> {
      same(r.rpush("l", "0", "1", "2"), 3L);
      same(r.hset("h", Map.of("a", "1", "b", "2")), 2L);
      same(r.hgetAll("h"), Map.of("a", "1", "b", "2"));
      same(r.sadd("set", "x", "y"), 2L);
      same(r.smembers("set"), Set.of("x", "y"));
      same(r.zadd("z", Map.of("one", 1.0, "two", 2.5)), 2L);
      same(r.zscore("z", "two"), 2.5);
      same(r.zrangeWithScores("z", 0, -1).get(1).getElement(), "two");
      same(r.geoadd("geo", 13.361389, 38.115556, "Palermo"), 1L);
      same(r.pfadd("hll", "a", "b"), 1L);
      StreamEntryID id = r.xadd("x", XAddParams.xAddParams(), Map.of("a", "1"));
      same(r.xgroupCreate("x", "g", new StreamEntryID(), false), "OK");
      same(r.xreadGroup("g", "me", XReadGroupParams.xReadGroupParams().count(1),
          Map.of("x", StreamEntryID.XREADGROUP_UNDELIVERED_ENTRY)).size(), 1);
      same(r.xack("x", "g", id), 1L);
    });
    check(p + ": iteration", () -> {
      for (int n = 0; n < 300; n++) r.set("scan:" + n, "v");
      Set<String> found = new HashSet<>();
      String cursor = "0";
      do {
        var page = r.scan(cursor, new ScanParams().match("scan:*").count(20));
        found.addAll(page.getResult());
        cursor = page.getCursor();
      } while (!cursor.equals("0"));
      same(found.size(), 300);
    });
    check(p + ": pipelines", () -> {
      Pipeline pipe = r.pipelined();
      for (int n = 0; n < 10_000; n++) pipe.set("p:" + n, "v".repeat(100));
      for (int n = 0; n < 10_000; n++) pipe.get("p:" + n);
      same(pipe.syncAndReturnAll().size(), 20_000);
      Pipeline mixed = r.pipelined();
      mixed.set("w", "text");
      mixed.incr("w");
      mixed.get("w");
      List<Object> all = mixed.syncAndReturnAll();
      same(all.get(1) instanceof JedisDataException, true);
      same(all.get(2), "text");
    });
    check(p + ": transactions", () -> {
      Transaction one = r.multi();
      one.incr("t");
      one.incr("t");
      same(one.exec(), List.of(1L, 2L));
      r.watch("t");
      connect(p).set("t", "10");
      Transaction lost = r.multi();
      lost.incr("t");
      same(lost.exec(), null);
      Transaction dropped = r.multi();
      dropped.incr("t");
      same(dropped.discard(), "OK");
      same(r.get("t"), "10");
    });
    check(p + ": scripts", () -> {
      String sha = r.scriptLoad("return {KEYS[1], ARGV[1], redis.call('incr', KEYS[1])}");
      same(r.evalsha(sha, List.of("sc"), List.of("a")), List.of("sc", "a", 1L));
      fails(() -> r.evalsha("0".repeat(40)));
      same(r.functionLoadReplace("#!lua name=ex\nredis.register_function('f', function() return 7 end)"), "ex");
      same(r.fcall("f", List.of(), List.of()), 7L);
    });
    check(p + ": blocking", () -> {
      Jedis own = connect(p);
      long id = own.clientId();
      List<Object> popped = Collections.synchronizedList(new ArrayList<>());
      Thread popper = new Thread(() -> popped.add(own.blpop(10, "bl")));
      popper.start();
      until("it blocks", () -> r.info("clients").contains("blocked_clients:1"));
      r.rpush("bl", "v");
      popper.join(10_000);
      same(popped, List.of(List.of("bl", "v")));
      same(r.brpop(0.1, "none"), null);
      Thread waiting = new Thread(() -> popped.add(String.valueOf(own.blpop(10, "never"))));
      waiting.start();
      until("it is unblocked", () -> r.clientUnblock(id) == 1);
      waiting.join(10_000);
      same(popped.get(1), "null");
    });
    check(p + ": messages", () -> {
      List<String> heard = Collections.synchronizedList(new ArrayList<>());
      Jedis sub = connect(p);
      JedisPubSub listener = new JedisPubSub() {
        public void onMessage(String channel, String message) { heard.add(message); }
        public void onPMessage(String pattern, String channel, String message) { heard.add(message); }
      };
      Thread thread = new Thread(() -> sub.subscribe(listener, "ch" + p));
      thread.start();
      until("it is subscribed", () -> listener.isSubscribed() && r.pubsubNumSub("ch" + p).get("ch" + p) == 1);
      listener.psubscribe("pat" + p + "*");
      until("patterns too", () -> r.publish("pat" + p + "x", "two") == 1);
      same(r.publish("ch" + p, "one"), 1L);
      until("both are heard", () -> heard.contains("one") && heard.contains("two"));
      listener.unsubscribe();
      listener.punsubscribe();
      thread.join(10_000);
      same(sub.ping(), "PONG");
    });
    check(p + ": clients", () -> {
      Jedis own = connect(p);
      long id = own.clientId();
      String line = Arrays.stream(r.clientList().split("\n")).filter(one -> one.startsWith("id=" + id + " ")).findFirst().get();
      same(line.contains(" name=exercise ") && line.contains(" lib-name=jedis"), true);
      same(r.clientKill(new ClientKillParams().id(String.valueOf(id))), 1L);
      same(r.clientList(id).contains("id="), false);
    });
    check(p + ": big, and errors", () -> {
      byte[] value = new byte[10_000_000];
      new Random(1).nextBytes(value);
      same(r.set("big".getBytes(), value), "OK");
      same(Arrays.equals(r.get("big".getBytes()), value), true);
      r.set("str", "x");
      fails(() -> r.lpush("str", "1"));
      fails(() -> r.incr("str"));
    });
    for (String kind : p == RedisProtocol.RESP2 ? List.of("planned") : List.of("planned", "killed"))
      check(p + ": a " + kind + " failover", () -> failover(kind, p));
  }

  /** Work of every sort goes on meanwhile; none of it sees an error, and what was acknowledged is there. */
  static void failover(String kind, RedisProtocol p) throws Exception {
    Jedis r = connect(p);
    r.del("fo", "fo:q");
    AtomicBoolean over = new AtomicBoolean();
    AtomicLong counted = new AtomicLong(), popped = new AtomicLong(), heard = new AtomicLong();
    List<String> troubles = Collections.synchronizedList(new ArrayList<>());
    Jedis incr = connect(p), transact = connect(p), pop = connect(p), sub = connect(p);
    List<Work> steps = List.of(
        () -> { incr.incr("fo"); counted.incrementAndGet(); },
        () -> { Transaction t = transact.multi(); t.set("fo:t", "1"); t.get("fo:t"); t.exec(); },
        () -> { if (pop.blpop(1, "fo:q") != null) popped.incrementAndGet(); });
    List<Thread> threads = new ArrayList<>();
    for (Work step : steps) threads.add(new Thread(() -> {
      try {
        while (!over.get()) step.run();
      } catch (Exception error) {
        troubles.add(error.toString());
      }
    }));
    JedisPubSub listener = new JedisPubSub() {
      public void onMessage(String channel, String message) { heard.incrementAndGet(); }
    };
    threads.add(new Thread(() -> {
      try {
        sub.subscribe(listener, "fo:ch");
      } catch (Exception error) {
        troubles.add(error.toString());
      }
    }));
    threads.forEach(Thread::start);
    until("it is subscribed", () -> r.publish("fo:ch", "m") > 0);
    System.out.println("# please: " + kind);
    while (System.in.read() != '\n');
    long before = counted.get(), last = heard.get();
    r.rpush("fo:q", "job");
    until("all goes on", () -> {
      r.publish("fo:ch", "m");
      return !troubles.isEmpty() || (counted.get() > before + 50 && popped.get() > 0 && heard.get() > last);
    });
    over.set(true);
    listener.unsubscribe();
    for (Thread thread : threads) thread.join(10_000);
    same(troubles, List.of());
    if (kind.equals("planned")) same(r.get("fo"), String.valueOf(counted.get()));
  }
}
