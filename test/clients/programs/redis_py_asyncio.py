# redis_py_asyncio.py HOST PORT VIA PROTOCOL SETTINGS KEY STOP-FILE: redis-py's asyncio client, a task for each role.
import asyncio
import os
import sys
import time

import redis.asyncio
from redis.asyncio.sentinel import Sentinel

host, port, via, protocol, settings, key, stop_file = sys.argv[1:]
options = {"protocol": int(protocol), "decode_responses": True}
if settings == "recommended":
    options["socket_timeout"] = None
SCRIPT = "redis.call('RPUSH', KEYS[1], ARGV[1]) return ARGV[1]"


def say(*words):
    sys.stdout.write(" ".join(str(word) for word in words).replace("\n", " ") + "\n")
    sys.stdout.flush()


def connect():
    if via == "sentinel":
        return Sentinel([(host, int(port))], **options).master_for("mymaster")
    return redis.asyncio.Redis(host=host, port=int(port), **options)


def took(since):
    return round((time.monotonic() - since) * 1000)


async def step(name, n, run, wanted=None):
    since = time.monotonic()
    try:
        reply = await run
        say("done", name, n, took(since), "" if wanted is not None else reply)
        if wanted is not None and reply != wanted:
            say("wrong", name, n, reply)
    except Exception as error:
        say("failed", name, n, took(since), type(error).__name__, error)
        await asyncio.sleep(0.02)


async def rounds():
    client = connect()
    say("ready", "commands")
    n = 0
    while not os.path.exists(stop_file):
        n += 1
        item = str(n)

        async def commands():
            await client.set(key + ":value", item)
            value = await client.get(key + ":value")
            await client.rpush(key + ":commands", item)
            return value

        async def batch(kind, source):
            pipe = client.pipeline(transaction=kind == "transaction")
            pipe.set(source, item).get(source).rpush(key + ":" + kind, item)
            return (await pipe.execute())[1]

        await step("commands", n, commands(), item)
        await step("pipeline", n, batch("pipeline", key + ":piped"), item)
        await step("transaction", n, batch("transaction", key + ":transacted"), item)
        await step("script", n, client.eval(SCRIPT, 1, key + ":script", item), item)
        await step("publish", n, client.publish(key + ":news", item))
        await step("queue", n, client.rpush(key + ":queue", item))
        await asyncio.sleep(0.02)
    say("ended", "commands")


async def subscriber():
    while True:
        since = time.monotonic()
        try:
            messages = connect().pubsub()
            await messages.subscribe(key + ":news")
            async for message in messages.listen():
                if message["type"] == "subscribe":
                    say("ready", "subscriber")
                else:
                    say("heard", message["data"])
        except Exception as error:
            say("failed", "subscribe", 0, took(since), type(error).__name__, error)
            await asyncio.sleep(0.05)


async def popper():
    client = connect()
    say("ready", "popper")
    while True:
        last = os.path.exists(stop_file)
        since = time.monotonic()
        try:
            popped = await client.blpop([key + ":queue"], 1)
            if popped:
                say("popped", popped[1])
            elif last:
                break
        except Exception as error:
            say("failed", "pop", 0, took(since), type(error).__name__, error)
            await asyncio.sleep(0.05)
            if last:
                break
    say("ended", "popper")


async def main():
    listening = asyncio.create_task(subscriber())
    await asyncio.gather(rounds(), popper())
    listening.cancel()
    os._exit(0)


asyncio.run(main())
