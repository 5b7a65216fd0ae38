// remedies.ts: says what a person can do when a Sentinel or a data node refuses us, for the log. Pure.
import { unknownRemedy } from '../ops/missing-rights.ts'
import { OPEN_FILES_REMEDY } from '../transport/open-files.ts'
import { tlsRemedy } from '../transport/tls-trouble.ts'

export function isWrongPassword(error: string): boolean {
  return /WRONGPASS|invalid password|invalid username/i.test(error)
}

/** Without the command (rename-command) no password can be given. */
export function knowsNoAuth(error: string): boolean {
  return /^-?ERR unknown command [`']AUTH\b/i.test(error)
}

/** It is a data node: its port stands in --sentinels by mistake. */
export function isNoSentinel(error: string): boolean {
  return /^-?ERR unknown command [`']?SENTINEL\b/i.test(error)
}

/** What helps against an error of a Sentinel; null: only time does. `username` null: the default user. */
export function sentinelRemedy(error: string, username: string | null): string | null {
  const who = username === null ? 'the default user' : `the user ${username}`
  if (isWrongPassword(error)) {
    return `this Sentinel refuses the password of ${who}: correct --sentinel-username and --sentinel-password`
  }
  if (/NOAUTH/.test(error)) return 'this Sentinel asks for a password: set --sentinel-password'
  if (/NOPERM/.test(error)) {
    const needs = '+subscribe +psubscribe &* +sentinel|get-master-addr-by-name +sentinel|master'
    return `allow ${who} on this Sentinel: ${needs} +sentinel|sentinels +sentinel|replicas +sentinel|myid +client|setname`
  }
  if (knowsNoAuth(error)) return `this Sentinel knows no AUTH: ${unknownRemedy}`
  if (isNoSentinel(error))
    return 'this is no Sentinel: give --sentinels the port of the Sentinel (26379 by default), not that of a data node'
  if (/EMFILE|ENFILE/.test(error)) return OPEN_FILES_REMEDY
  return tlsRemedy(error, 'sentinel')
}

export function nodePasswordRemedy(node: string, username: string | null): string {
  const who = username ?? 'default'
  return `${node} refuses the password of the user ${who}: correct --redis-username and --redis-password, or the node's`
}

export function replacedRemedy(node: string): string {
  const what = `a majority names ${node}, and from here that leads to the old master: no command is sent there`
  return `${what}; correct what its name resolves to, or --nat-map: it is looked up anew until it leads to the new master`
}

export function roleRemedy(why: string): string {
  const believed = 'the node does not say whether it is master, so the majority is believed'
  if (/^-?NOAUTH/.test(why)) {
    return `${believed}: it asks for a password: set --redis-password (and --redis-username)`
  }
  if (knowsNoAuth(why)) return `${believed}: it knows no AUTH: ${unknownRemedy}`
  if (/^-?BUSY/.test(why)) return `${believed}: a script runs there for longer than busy-reply-threshold`
  return `${believed}: look at the cause`
}
