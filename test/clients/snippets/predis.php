<?php
require 'Predis/autoload.php'; // or Composer's

// PHP's default_socket_timeout, 60 s, where nothing is given; a command may wait as long.
$redis = new Predis\Client(['host' => '127.0.0.1', 'port' => 6379, 'read_write_timeout' => 70]);
// An application that can only be told Sentinels:
$options = ['replication' => 'sentinel', 'service' => 'mymaster', 'parameters' => ['read_write_timeout' => 70]];
$other = new Predis\Client(['tcp://127.0.0.1:26379'], $options);

$redis->set('greeting', 'hello');
echo $other->get('greeting');
