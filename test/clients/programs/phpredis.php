<?php
// phpredis.php HOST PORT VIA PROTOCOL SETTINGS KEY STOP-FILE: phpredis.
require __DIR__ . '/work.php';

function connect(): Redis
{
    global $host, $port, $via, $recommended;
    [$to, $at] = [$host, $port];
    if ($via === 'sentinel') {
        $sentinel = new RedisSentinel(['host' => $host, 'port' => $port]);
        [$to, $at] = $sentinel->getMasterAddrByName('mymaster');
    }
    return new Redis(['host' => $to, 'port' => (int) $at, ...($recommended ? ['readTimeout' => 70] : [])]);
}

function batch(Redis $redis): callable
{
    return function (string $kind, string $item, string $from, string $list) use ($redis) {
        $chain = $kind === 'pipeline' ? $redis->pipeline() : $redis->multi();
        $replies = $chain->set($from, $item)->get($from)->rPush($list, $item)->exec();
        return $replies[1];
    };
}

run(
    subscriber: fn () => subscriber(function (callable $heard) {
        global $key;
        $redis = connect();
        // It tells of messages alone; the server has confirmed when a publish counts a receiver.
        $heard(null);
        $redis->subscribe(["$key:news"], fn ($redis, $channel, $message) => $heard($message));
    }),
    popper: function () use ($key) {
        $redis = connect();
        popper(fn () => $redis->blPop(["$key:queue"], 1)[1] ?? null);
    },
    commands: function () {
        $redis = connect();
        rounds($redis, batch($redis), fn ($list, $item) => $redis->eval(SCRIPT, [$list, $item], 1));
    },
);
