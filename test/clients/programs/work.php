<?php
// work.php: the work of a program in PHP, a process for each role; each library gives its own commands.
[, $host, $port, $via, $protocol, $settings, $key, $stopFile] = $argv;
$port = (int) $port;
$recommended = $settings === 'recommended';
const SCRIPT = "redis.call('RPUSH', KEYS[1], ARGV[1]) return ARGV[1]";

function say(...$words): void
{
    fwrite(STDOUT, str_replace("\n", ' ', implode(' ', $words)) . "\n");
}

function took(float $since): int
{
    return (int) round((microtime(true) - $since) * 1000);
}

function step(string $name, int $n, ?string $wanted, callable $run): void
{
    $since = microtime(true);
    try {
        $reply = $run();
        say('done', $name, $n, took($since), $wanted === null ? $reply : '');
        if ($wanted !== null && $reply !== $wanted) say('wrong', $name, $n, json_encode($reply));
    } catch (Throwable $error) {
        say('failed', $name, $n, took($since), get_class($error), $error->getMessage());
        usleep(20000);
    }
}

/** `$batch(kind, item, from, list)` answers what GET answered. */
function rounds(object $client, callable $batch, callable $script): void
{
    global $key, $stopFile;
    say('ready commands');
    for ($n = 1; !file_exists($stopFile); clearstatcache(), $n++) {
        $item = (string) $n;
        step('commands', $n, $item, function () use ($client, $key, $item) {
            $client->set("$key:value", $item);
            $value = $client->get("$key:value");
            $client->rpush("$key:commands", $item);
            return $value;
        });
        step('pipeline', $n, $item, fn () => $batch('pipeline', $item, "$key:piped", "$key:pipeline"));
        step('transaction', $n, $item, fn () => $batch('transaction', $item, "$key:transacted", "$key:transaction"));
        step('script', $n, $item, fn () => $script("$key:script", $item));
        step('publish', $n, null, fn () => $client->publish("$key:news", $item));
        step('queue', $n, null, fn () => $client->rpush("$key:queue", $item));
        usleep(20000);
    }
    say('ended commands');
}

/** `$listen` subscribes, and calls its argument with null for the confirmation, then with messages. */
function subscriber(callable $listen): void
{
    for (;;) {
        $since = microtime(true);
        try {
            $listen(fn (?string $message) => $message === null ? say('ready subscriber') : say('heard', $message));
        } catch (Throwable $error) {
            say('failed', 'subscribe', 0, took($since), get_class($error), $error->getMessage());
        }
        usleep(50000);
    }
}

/** `$pop` waits a second for an element of the queue, and answers null without one. */
function popper(callable $pop): void
{
    global $stopFile;
    say('ready popper');
    for (;;) {
        clearstatcache();
        $last = file_exists($stopFile);
        $since = microtime(true);
        try {
            $item = $pop();
            if ($item !== null) say('popped', $item);
            elseif ($last) break;
        } catch (Throwable $error) {
            say('failed', 'pop', 0, took($since), get_class($error), $error->getMessage());
            usleep(50000);
            if ($last) break;
        }
    }
    say('ended popper');
}

/** Each role in a process of its own, with a client of its own. */
function run(callable ...$roles): void
{
    $waited = [];
    foreach ($roles as $name => $role) {
        $pid = pcntl_fork();
        if ($pid === 0) {
            $role();
            exit(0);
        }
        if ($name !== 'subscriber') $waited[] = $pid;
    }
    foreach ($waited as $pid) pcntl_waitpid($pid, $status);
}
