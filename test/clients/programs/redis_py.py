# redis_py.py HOST PORT VIA PROTOCOL SETTINGS KEY STOP-FILE: redis-py, a thread for each role.
import os
import sys
import threading
import time

import redis
from redis.sentinel import Sentinel

host, port, via, protocol, settings, key, stop_file = sys.argv[1:]
options = {"protocol": int(protocol), "decode_responses": True}
if settings == "recommended":
    options["socket_timeout"] = None
SCRIPT = "redis.call('RPUSH', KEYS[1], ARGV[1]) return ARGV[1]"
lock = threading.Lock()


def say(*words):
    with lock:
        sys.stdout.write(" ".join(str(word) for word in words).replace("\n", " ") + "\n")
        sys.stdout.flush()


def connect():
    if via == "sentinel":
        return Sentinel([(host, int(port))], **options).master_for("mymaster")
    return redis.Redis(host=host, port=int(port), **options)


def took(since):
    return round((time.monotonic() - since) * 1000)


def step(name, n, run, wanted=None):
    since = time.monotonic()
    try:
        reply = run()
        say("done", name, n, took(since), "" if wanted is not None else reply)
        if wanted is not None and reply != wanted:
            say("wrong", name, n, reply)
    except Exception as error:
        say("failed", name, n, took(since), type(error).__name__, error)
        time.sleep(0.02)


def rounds():
    client = connect()
    say("ready", "commands")
    n = 0
    while not os.path.exists(stop_file):
        n += 1
        item = str(n)

        def commands():
            client.set(key + ":value", item)
            value = client.get(key + ":value")
            client.rpush(key + ":commands", item)
            return value

        def batch(kind, source):
            pipe = client.pipeline(transaction=kind == "transaction")
            pipe.set(source, item).get(source).rpush(key + ":" + kind, item)
            return pipe.execute()[1]

        step("commands", n, commands, item)
        step("pipeline", n, lambda: batch("pipeline", key + ":piped"), item)
        step("transaction", n, lambda: batch("transaction", key + ":transacted"), item)
        step("script", n, lambda: client.eval(SCRIPT, 1, key + ":script", item), item)
        step("publish", n, lambda: client.publish(key + ":news", item))
        step("queue", n, lambda: client.rpush(key + ":queue", item))
        time.sleep(0.02)
    say("ended", "commands")


def subscriber():
    while True:
        since = time.monotonic()
        try:
            messages = connect().pubsub()
            messages.subscribe(key + ":news")
            for message in messages.listen():
                if message["type"] == "subscribe":
                    say("ready", "subscriber")
                else:
                    say("heard", message["data"])
        except Exception as error:
            say("failed", "subscribe", 0, took(since), type(error).__name__, error)
            time.sleep(0.05)


def popper():
    client = connect()
    say("ready", "popper")
    while True:
        last = os.path.exists(stop_file)
        since = time.monotonic()
        try:
            popped = client.blpop([key + ":queue"], 1)
            if popped:
                say("popped", popped[1])
            elif last:
                break
        except Exception as error:
            say("failed", "pop", 0, took(since), type(error).__name__, error)
            time.sleep(0.05)
            if last:
                break
    say("ended", "popper")


threading.Thread(target=subscriber, daemon=True).start()
threads = [threading.Thread(target=role) for role in (rounds, popper)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
os._exit(0)
