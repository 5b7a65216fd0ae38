// node-permissions.ts: says before the start what Node's own permissions (--permission) would end it for: Node 25 and later
// throw where the network is not allowed, at a place where nobody can catch it.
import { isGiven } from './node-flags.ts'

/** What is wrong, and what to do about it; null: nothing is. */
export function missingPermission(): string | null {
  // It is there under --permission alone, whatever its type says.
  const { permission } = process as { readonly permission?: Permission }
  const { NODE_OPTIONS } = process.env
  // Older ones do not know this permission: they have no such flag, and answer false.
  if (permission === undefined || !process.allowedNodeEnvironmentFlags.has('--allow-net')) return null
  if (!isNetworkForbidden(permission, process.execArgv, NODE_OPTIONS)) return null
  return "Node's --permission forbids the network: start node with --allow-net as well"
}

type Permission = Pick<NonNullable<NodeJS.Process['permission']>, 'has'>

/** Under --permission-audit Node answers the same and forbids nothing. */
export function isNetworkForbidden(permission: Permission, execArgv: readonly string[], nodeOptions = ''): boolean {
  const isAudit = isGiven('--permission-audit', execArgv, nodeOptions)
  return isGiven('--permission', execArgv, nodeOptions) && !isAudit && !permission.has('net')
}
