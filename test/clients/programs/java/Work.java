// Work.java: the work of a program in Java, a thread for each role; each library gives its own commands.
import java.nio.file.*;
import java.util.concurrent.Callable;

final class Work {
  interface Commands {
    void set(String key, String value) throws Exception;
    String get(String key) throws Exception;
    long push(String key, String value) throws Exception;
    /** SET, GET and RPUSH in one pipeline or transaction; what GET answered. */
    String pipeline(String item, String from, String list) throws Exception;
    String transaction(String item, String from, String list) throws Exception;
    String script(String text, String key, String argument) throws Exception;
    long publish(String channel, String message) throws Exception;
  }

  /** What hears: null for the confirmation, then messages. */
  interface Heard { void message(String text); }

  interface Library {
    Commands commands() throws Exception;
    /** Returns or throws when the subscription has ended; one that goes on by itself never returns. */
    void subscribe(String channel, Heard heard) throws Exception;
    /** Waits a second for an element; null without one. */
    String pop(String key) throws Exception;
  }

  static final String SCRIPT = "redis.call('RPUSH', KEYS[1], ARGV[1]) return ARGV[1]";
  final String host, via, key, stopFile;
  final int port, protocol;
  final boolean recommended;

  Work(String[] words) {
    host = words[0];
    port = Integer.parseInt(words[1]);
    via = words[2];
    protocol = Integer.parseInt(words[3]);
    recommended = words[4].equals("recommended");
    key = words[5];
    stopFile = words[6];
  }

  static synchronized void say(Object... words) {
    StringBuilder line = new StringBuilder();
    for (Object word : words) line.append(line.length() == 0 ? "" : " ").append(word);
    System.out.println(line.toString().replace('\n', ' '));
  }

  static long took(long since) { return (System.nanoTime() - since) / 1_000_000; }

  boolean stopping() { return Files.exists(Path.of(stopFile)); }

  void run(Library library) throws Exception {
    Commands commands = library.commands();
    Thread listening = new Thread(() -> subscriber(library));
    listening.setDaemon(true);
    listening.start();
    Thread popping = new Thread(() -> popper(library));
    popping.start();
    rounds(commands);
    popping.join();
    System.out.flush();
    Runtime.getRuntime().halt(0);
  }

  private void rounds(Commands c) throws Exception {
    say("ready commands");
    for (int n = 1; !stopping(); n++) {
      String item = String.valueOf(n);
      step("commands", n, item, () -> {
        c.set(key + ":value", item);
        String value = c.get(key + ":value");
        c.push(key + ":commands", item);
        return value;
      });
      step("pipeline", n, item, () -> c.pipeline(item, key + ":piped", key + ":pipeline"));
      step("transaction", n, item, () -> c.transaction(item, key + ":transacted", key + ":transaction"));
      step("script", n, item, () -> c.script(SCRIPT, key + ":script", item));
      step("publish", n, null, () -> c.publish(key + ":news", item));
      step("queue", n, null, () -> c.push(key + ":queue", item));
      Thread.sleep(20);
    }
    say("ended commands");
  }

  private static void step(String name, int n, String wanted, Callable<Object> run) throws Exception {
    long since = System.nanoTime();
    try {
      Object reply = run.call();
      say("done", name, n, took(since), wanted == null ? reply : "");
      if (wanted != null && !wanted.equals(reply)) say("wrong", name, n, reply);
    } catch (Exception error) {
      say("failed", name, n, took(since), error);
      Thread.sleep(20);
    }
  }

  private void subscriber(Library library) {
    for (;;) {
      long since = System.nanoTime();
      try {
        library.subscribe(key + ":news", text -> { if (text == null) say("ready subscriber"); else say("heard", text); });
        say("failed subscribe 0", took(since), "the subscription has ended");
      } catch (Exception error) {
        say("failed subscribe 0", took(since), error);
      }
      pause(50);
    }
  }

  private void popper(Library library) {
    say("ready popper");
    for (;;) {
      boolean last = stopping();
      long since = System.nanoTime();
      try {
        String item = library.pop(key + ":queue");
        if (item != null) say("popped", item);
        else if (last) break;
      } catch (Exception error) {
        say("failed pop 0", took(since), error);
        pause(50);
        if (last) break;
      }
    }
    say("ended popper");
  }

  static void pause(long ms) {
    try {
      Thread.sleep(ms);
    } catch (InterruptedException error) {
      throw new IllegalStateException(error);
    }
  }
}
