<?php
// predis.php HOST PORT VIA PROTOCOL SETTINGS KEY STOP-FILE: predis.
require 'Predis/autoload.php';
require __DIR__ . '/work.php';

function connect(): Predis\Client
{
    global $host, $port, $via, $recommended;
    $own = $recommended ? ['read_write_timeout' => 70] : [];
    if ($via === 'direct') return new Predis\Client(['host' => $host, 'port' => $port, ...$own]);
    // The parameters of the Sentinels: the master's are those of `parameters`.
    $options = ['replication' => 'sentinel', 'service' => 'mymaster', 'parameters' => $own];
    return new Predis\Client(["tcp://$host:$port"], $options);
}

function batch(Predis\Client $client): callable
{
    return function (string $kind, string $item, string $from, string $list) use ($client) {
        $fill = function ($batch) use ($from, $item, $list) {
            $batch->set($from, $item);
            $batch->get($from);
            $batch->rpush($list, $item);
        };
        return ($kind === 'pipeline' ? $client->pipeline($fill) : $client->transaction($fill))[1];
    };
}

run(
    subscriber: fn () => subscriber(function (callable $heard) {
        global $key, $via;
        $client = connect();
        // A client that asks Sentinels has several connections; a subscription belongs to one.
        if ($via === 'sentinel') $client = $client->getClientBy('role', 'master');
        $loop = $client->pubSubLoop();
        $loop->subscribe("$key:news");
        foreach ($loop as $message) $heard($message->kind === 'message' ? $message->payload : null);
    }),
    popper: function () use ($key) {
        $client = connect();
        popper(fn () => $client->blpop(["$key:queue"], 1)[1] ?? null);
    },
    commands: function () {
        $client = connect();
        rounds($client, batch($client), fn ($list, $item) => $client->eval(SCRIPT, 1, $list, $item));
    },
);
