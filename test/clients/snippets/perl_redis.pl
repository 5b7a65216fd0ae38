use strict;
use warnings;
use Redis;

# No read_timeout: a command may wait 60 s.
my $redis = Redis->new(server => '127.0.0.1:6379');
# An application that can only be told Sentinels:
my $other = Redis->new(sentinels => ['127.0.0.1:26379'], service => 'mymaster');

$redis->set(greeting => 'hello');
print $other->get('greeting');
