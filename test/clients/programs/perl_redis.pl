# perl_redis.pl HOST PORT VIA PROTOCOL SETTINGS KEY STOP-FILE: Redis.pm, a process for each role.
use strict;
use warnings;
use Redis;
use Time::HiRes qw(sleep time);

my ($host, $port, $via, $protocol, $settings, $key, $stop_file) = @ARGV;
my $script = "redis.call('RPUSH', KEYS[1], ARGV[1]) return ARGV[1]";
$| = 1;

sub say_line { my $line = join ' ', @_; $line =~ s/\n/ /g; print "$line\n" }
sub took { int((time - $_[0]) * 1000 + 0.5) }

sub connection {
  my @recommended = $settings eq 'recommended' ? (read_timeout => 70) : ();
  return Redis->new(server => "$host:$port", @recommended) if $via eq 'direct';
  return Redis->new(sentinels => ["$host:$port"], service => 'mymaster', @recommended);
}

# An error reply leaves the connection as it is.
my $answered = qr/\b[A-Z]+ holdfast: /;

sub step {
  my ($name, $n, $wanted, $run) = @_;
  my $since = time;
  my $reply = eval { $run->() };
  if (my $error = $@) {
    say_line('failed', $name, $n, took($since), $error);
    sleep 0.02;
    return $error =~ $answered ? 1 : 0;
  }
  say_line('done', $name, $n, took($since), defined $wanted ? '' : $reply);
  say_line('wrong', $name, $n, $reply // 'nothing') if defined $wanted && ($reply // '') ne $wanted;
  return 1;
}

# Replies of a batch come by callbacks.
sub batch {
  my ($redis, $item, $from, $list) = @_;
  my ($value, @errors);
  my $note = sub { push @errors, $_[1] if defined $_[1] };
  $redis->set($from, $item, $note);
  $redis->get($from, sub { $value = $_[0]; $note->(@_) });
  $redis->rpush($list, $item, $note);
  $redis->wait_all_responses;
  die "@errors" if @errors;
  return $value;
}

sub transaction {
  my ($redis, $item, $from, $list) = @_;
  $redis->multi;
  $redis->set($from, $item);
  $redis->get($from);
  $redis->rpush($list, $item);
  my @replies = $redis->exec;
  return $replies[1];
}

sub rounds {
  my $redis = connection();
  say_line('ready commands');
  for (my $n = 1; !-e $stop_file; $n++) {
    # It does not connect again by itself; an application does.
    my $well = step('commands', $n, $n, sub {
      $redis->set("$key:value", $n);
      my $value = $redis->get("$key:value");
      $redis->rpush("$key:commands", $n);
      return $value;
    });
    $well &= step('pipeline', $n, $n, sub { batch($redis, $n, "$key:piped", "$key:pipeline") });
    $well &= step('transaction', $n, $n, sub { transaction($redis, $n, "$key:transacted", "$key:transaction") });
    $well &= step('script', $n, $n, sub { $redis->eval($script, 1, "$key:script", $n) });
    $well &= step('publish', $n, undef, sub { $redis->publish("$key:news", $n) });
    $well &= step('queue', $n, undef, sub { $redis->rpush("$key:queue", $n) });
    $redis = connection() unless $well;
    sleep 0.02;
  }
  say_line('ended commands');
}

sub subscriber {
  while (1) {
    my $since = time;
    eval {
      my $redis = connection();
      $redis->subscribe("$key:news", sub { say_line('heard', $_[0]) });
      say_line('ready subscriber');
      $redis->wait_for_messages(60) while 1;
    };
    say_line('failed', 'subscribe', 0, took($since), $@);
    sleep 0.05;
  }
}

sub popper {
  my $redis = connection();
  say_line('ready popper');
  while (1) {
    my $last = -e $stop_file;
    my $since = time;
    my @popped = eval { $redis->blpop("$key:queue", 1) };
    if (my $error = $@) {
      say_line('failed', 'pop', 0, took($since), $error);
      sleep 0.05;
      $redis = eval { connection() } // $redis unless $error =~ $answered;
      last if $last;
    } elsif (defined $popped[1]) {
      say_line('popped', $popped[1]);
    } elsif ($last) {
      last;
    }
  }
  say_line('ended popper');
}

my @waited;
for my $role (\&subscriber, \&popper, \&rounds) {
  my $pid = fork;
  if ($pid == 0) { $role->(); exit 0 }
  push @waited, $pid if $role != \&subscriber;
}
waitpid $_, 0 for @waited;
