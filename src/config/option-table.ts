// option-table.ts: every option of the program, one row each, with its kind, default and help.
//
// The table is the only source of names, types, defaults, units, help and secrecy. --help, the errors and the table in
// docs/options.md (`npm run readme` writes it) are made from it. A new option is a row here, a line in `toConfig` of
// config.ts, and the code that uses it; relations.ts holds what must be true of two options together.
// Never: reads a source.
import { inGroup, type Option, optional, required, type Settings, secret, withDefault } from './option.ts'
import {
  ackLevel,
  addressList,
  addressMap,
  announcedAddress,
  commandList,
  count,
  duration,
  fileMode,
  fileOwner,
  listenAddress,
  masterNames,
  noneOr,
  oneOf,
  onOff,
  password,
  path,
  plainText,
  shortTime,
  size,
} from './value-kinds.ts'

// Commands that turn the connection into a replication stream, or change the master behind the back of Sentinel.
const denied = 'sync,psync,replconf,replicaof,slaveof,failover,shutdown'

/** Every option, by the word that its flag, variable and file key are made of. */
export const options = {
  ...inGroup('Redis and Sentinel', {
    sentinels: required(addressList(26379), 'The Sentinels to ask first; they name the others.'),
    master: required(
      masterNames('127.0.0.1'),
      'The name by which the Sentinels know the master. Several masters: their names and where the clients of each ' +
        'connect, cache=6379,queue=6380. The --config file has more for several: masters.',
    ),
    links: withDefault(
      'auto',
      oneOf('auto', 'private'),
      'auto: sessions of the same user, database and protocol share a connection to the master where they cannot ' +
        'notice it. private: each session has its own.',
    ),
    'connect-timeout': withDefault(
      '2s',
      duration({ min: '10ms', max: '60s', unitBelow: '100ms' }),
      'How long it may take to connect to a node or a Sentinel, TLS included.',
    ),
    'answer-timeout': withDefault(
      '1s',
      duration({ min: '10ms', max: '60s', unitBelow: '100ms' }),
      'How long a node or a Sentinel may take to answer a question of Holdfast itself. Holdfast waits twice as long ' +
        'for a majority of the Sentinels.',
    ),
    'nat-map': withDefault(
      '',
      addressMap,
      'Addresses as the Sentinels announce them, and where they are reached from here: ' +
        '10.0.0.1:6379=203.0.113.5:16379.',
    ),
  }),
  ...inGroup('Clients', {
    listen: withDefault(
      '127.0.0.1:6379',
      noneOr(listenAddress('127.0.0.1')),
      'Where clients connect. Without a host: 127.0.0.1.',
    ),
    'listen-socket': optional(path, 'A Unix-domain socket for clients, besides --listen or instead of it.'),
    'listen-socket-mode': withDefault('0660', fileMode, 'The access rights of that socket.'),
    'listen-socket-owner': optional(
      fileOwner,
      'The owner of that socket, as numbers; the process needs the permission to give it away.',
    ),
    'client-username': optional(
      plainText('NAME'),
      'The user that clients sign in as at Holdfast; without it the default user.',
    ),
    'client-password': secret(
      password,
      'A password that clients must give to Holdfast. Their AUTH then ends here, and the master sees ' +
        '--redis-username. Without it a client signs in at Redis itself.',
    ),
    'max-sessions': withDefault(
      '10000',
      count({ min: '0', max: '1000000' }),
      'Client connections at a time; 0 is no limit.',
    ),
    'frame-timeout': withDefault(
      '60s',
      duration({ min: '0ms', max: '24h', unitBelow: '100ms' }),
      'How long a client may take to finish a command that it began, or the next megabyte of it; 0 is no limit.',
    ),
    'tcp-keepalive': withDefault(
      '300s',
      duration({ min: '0ms', max: '24h', unitBelow: '1s' }),
      'How long a client may send nothing before TCP asks whether it is still there; ten seconds without an answer ' +
        'end the connection. 0 never asks.',
    ),
    'sentinel-listen': withDefault(
      'none',
      noneOr(listenAddress('127.0.0.1')),
      'Where Holdfast speaks Sentinel, for applications that can only be given Sentinels: it names itself as the master, ' +
        'at --announce or where clients reach --listen. TLS and password are those of --listen. Without a host: 127.0.0.1.',
    ),
    announce: withDefault(
      'none',
      noneOr(announcedAddress),
      'The address by which clients reach Holdfast, a Service or a load balancer, for clients that are told one.',
    ),
    'replica-listen': withDefault(
      'none',
      noneOr(listenAddress('127.0.0.1')),
      'Where clients connect that only read: each is given a replica. TLS and password are those of --listen. Without ' +
        'a host: 127.0.0.1.',
    ),
    'replica-listen-socket': optional(
      path,
      'A Unix-domain socket for clients that only read, besides --replica-listen or instead of it. Its rights and owner ' +
        'are those of --listen-socket.',
    ),
    'replica-max-lag': withDefault(
      '5s',
      duration({ min: '500ms', max: '24h' }),
      'What a read at a replica returns is at most this much older than what the master had when it was sent; ' +
        'a replica that is further behind gets no reads.',
    ),
    'replica-fallback': withDefault(
      'master',
      oneOf('master', 'hold', 'error'),
      'Where reads of --replica-listen go while no replica is good. master: to the master. hold: they wait for a ' +
        'replica, for --hold-timeout at most. error: they get an error at once.',
    ),
    'read-split': withDefault(
      'off',
      onOff,
      'Send commands of --listen that only read to a replica, when it has all that their session has written and ' +
        'nothing before them is unanswered; a read may then be as old as --replica-max-lag.',
    ),
    'handoff-notifications': withDefault(
      'on',
      onOff,
      'Tell clients that ask for it (CLIENT MAINT_NOTIFICATIONS, RESP3) when a hold begins and ends, so that they wait ' +
        'longer, and when Holdfast stops.',
    ),
    'max-unread-bytes': withDefault(
      '64mb',
      size({ min: '1mb', max: '1024gb' }),
      'Bytes of replies kept for one client that sends without reading, besides one reply of any size. More replies ' +
        'wait at the server; where they cannot wait, the client must read or is disconnected.',
    ),
    'deny-commands': withDefault(
      denied,
      commandList(denied),
      'Commands that get an error and are not sent. A list replaces the default; +keys adds to it, -shutdown takes ' +
        'from it; an empty list denies none; config|set names a subcommand. SCRIPT DEBUG is always refused.',
    ),
  }),
  ...inGroup('Failover', {
    'retry-policy': withDefault(
      'always',
      oneOf('always', 'safe', 'once'),
      'What happens to a command that was sent and got no answer. always: it is sent again. safe: it is sent again ' +
        'only where to run it twice is the same as once; otherwise the client gets an error. once: writes leave with ' +
        'a marker in the same transaction, and the new master tells which of them have run.',
    ),
    ack: withDefault(
      'master',
      ackLevel,
      'When the client gets the reply to a write. master: at once. replicated=N: when N replicas have it, so that it ' +
        'survives the loss of the master; replicated is replicated=1. Writes leave with markers, as with --retry-policy ' +
        'once.',
    ),
    reads: withDefault(
      'plain',
      oneOf('plain', 'committed'),
      'When the client gets the reply to a read. plain: at once. committed: when what it may have seen is on as many ' +
        'replicas as --ack wants.',
    ),
    'max-retries': withDefault(
      '0',
      count({ min: '0', max: '1000000' }),
      'How often one command is sent again at most; 0: only --hold-timeout limits it.',
    ),
    'retry-backoff-min': withDefault(
      '50ms',
      duration({ min: '1ms', max: '10m' }),
      'The wait before the first retry; it doubles with each, with jitter, up to --retry-backoff-max.',
    ),
    'retry-backoff-max': withDefault('1s', duration({ min: '1ms', max: '10m' }), 'The longest wait between retries.'),
    'hold-timeout': withDefault(
      '60s',
      duration({ min: '1ms', max: '24h', unitBelow: '100ms' }),
      'How long a command waits for a master before its client gets an error.',
    ),
    'dry-run': withDefault(
      'off',
      onOff,
      'Watch failovers and hold nothing: log, metrics and /status say what would have been held and for how long. ' +
        'Commands go on to the last master; without a link to it they fail at once.',
    ),
    'max-held-bytes': withDefault(
      '256mb',
      size({ min: '1kb', max: '1024gb' }),
      'Bytes of commands held for all clients together, and as many bytes of replies that they have not read.',
    ),
    'max-session-held-bytes': withDefault(
      '1mb',
      size({ min: '1kb', max: '1024gb' }),
      'Bytes of unanswered commands of one client; above that Holdfast reads no more from it until it has answers.',
    ),
  }),
  ...inGroup('Credentials', {
    'redis-username': optional(plainText('NAME'), 'The Redis user of clients that do not sign in themselves.'),
    'redis-password': secret(password, 'The password of that user, or of the default user.'),
    'sentinel-username': optional(plainText('NAME'), 'The user to sign in as at the Sentinels.'),
    'sentinel-password': secret(password, 'The password of that user, or of the default user, at the Sentinels.'),
  }),
  ...inGroup('TLS', {
    'redis-tls': withDefault('off', onOff, 'Speak TLS to Redis.'),
    'redis-tls-ca': optional(
      path,
      'PEM certificates that must have signed the one of Redis; without it those that Node trusts.',
    ),
    'redis-tls-cert': optional(path, 'The PEM certificate to show to Redis.'),
    'redis-tls-key': optional(path, 'The PEM key of that certificate.'),
    'redis-tls-server-name': optional(
      plainText('NAME'),
      'The name that the certificates of Redis must have; without it the host that the Sentinels announce.',
    ),
    'redis-tls-min-version': withDefault(
      'TLSv1.2',
      oneOf('TLSv1.2', 'TLSv1.3'),
      'The oldest TLS version to speak to Redis.',
    ),
    'sentinel-tls': withDefault('off', onOff, 'Speak TLS to the Sentinels.'),
    'sentinel-tls-ca': optional(
      path,
      'PEM certificates that must have signed those of the Sentinels; without it those that Node trusts.',
    ),
    'sentinel-tls-cert': optional(path, 'The PEM certificate to show to the Sentinels.'),
    'sentinel-tls-key': optional(path, 'The PEM key of that certificate.'),
    'sentinel-tls-server-name': optional(
      plainText('NAME'),
      'The name that the certificates of the Sentinels must have; without it the host in their address.',
    ),
    'sentinel-tls-min-version': withDefault(
      'TLSv1.2',
      oneOf('TLSv1.2', 'TLSv1.3'),
      'The oldest TLS version to speak to the Sentinels.',
    ),
    'listen-tls-cert': optional(path, 'The PEM certificate to show to clients; with it they must speak TLS.'),
    'listen-tls-key': optional(path, 'The PEM key of that certificate.'),
    'listen-tls-ca': optional(
      path,
      'PEM certificates that must have signed those of clients; without it clients need no certificate.',
    ),
    'listen-tls-min-version': withDefault(
      'TLSv1.2',
      oneOf('TLSv1.2', 'TLSv1.3'),
      'The oldest TLS version to speak to clients.',
    ),
  }),
  ...inGroup('Operations', {
    'admin-listen': withDefault(
      'none',
      noneOr(listenAddress('127.0.0.1')),
      'Where Holdfast serves /startup, /ready, /live, /status and /metrics over HTTP, to whoever reaches it, without ' +
        'a password. Without a host: 127.0.0.1.',
    ),
    'control-socket': optional(
      path,
      'A Unix-domain socket for holdfast ctl: pause, resume, drain, reload, log level. Only the user of the process and ' +
        'root may use it.',
    ),
  }),
  ...inGroup('Process', {
    'log-level': withDefault(
      'info',
      oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
      'The least serious log lines to write. Lines are JSON, on standard output.',
    ),
    'log-pretty': withDefault('off', onOff, 'Write log lines for people instead of JSON.'),
    sockets: withDefault(
      'auto',
      oneOf('auto', 'streams'),
      'auto: where this Node allows it, sockets are read and written below its streams, which costs less CPU. ' +
        'streams: by its streams alone.',
    ),
    'poll-for': withDefault(
      '0us',
      shortTime({ min: '0us', max: '10ms' }),
      'How long after traffic the process goes on looking for more instead of sleeping. 50us makes a client that sends ' +
        'one command at a time faster, and takes a whole core while there is traffic.',
    ),
    'shutdown-delay': withDefault(
      '0s',
      duration({ min: '0ms', max: '1h', unitBelow: '100ms' }),
      'How long after SIGTERM new clients may still come, before the grace period begins.',
    ),
    'shutdown-grace': withDefault(
      '10s',
      duration({ min: '0ms', max: '1h', unitBelow: '100ms' }),
      'How long after that connected clients are still served; a second signal ends the process at once.',
    ),
    config: optional(path, 'A YAML or JSON file of options; its keys are the names of the flags without --.'),
  }),
} satisfies Record<string, Option<unknown>>

export type Values = Settings<typeof options>
