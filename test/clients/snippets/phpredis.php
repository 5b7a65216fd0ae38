<?php
// PHP's default_socket_timeout, 60 s, where nothing is given; a command may wait as long.
$redis = new Redis(['host' => '127.0.0.1', 'port' => 6379, 'readTimeout' => 70]);
// An application that can only be told Sentinels:
$sentinel = new RedisSentinel(['host' => '127.0.0.1', 'port' => 26379]);
[$host, $port] = $sentinel->getMasterAddrByName('mymaster');
$other = new Redis(['host' => $host, 'port' => (int) $port, 'readTimeout' => 70]);

$redis->set('greeting', 'hello');
echo $other->get('greeting');
