// child-environment.ts: what a program that a test starts gets of the test's own environment: no setting but the path,
// and where Node keeps what it has compiled (scripts/suite.mjs). To compile all of it anew takes twice the CPU time of
// a start.

export function childEnvironment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const { PATH, NODE_COMPILE_CACHE } = process.env
  return { PATH, NODE_COMPILE_CACHE, ...more }
}
