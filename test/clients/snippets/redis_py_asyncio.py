import asyncio
from redis.asyncio import Redis


async def main():
    # No socket_timeout: a command may wait 60 s. redis-py 8 has 5 s where nothing is given.
    async with Redis(host="127.0.0.1", port=6379, protocol=3, socket_timeout=None) as client:
        await client.set("greeting", "hello")
        print((await client.get("greeting")).decode())


asyncio.run(main())
