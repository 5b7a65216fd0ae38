// memory-limit.ts: the one number of deploy/kubernetes, docker/compose.yaml and docker/README.md: what a container may
// use. The tests of deploy/ compare those files with it; test/wire/hostile-clients.test.ts fills a proxy to the brim
// beneath it.

/** `--max-held-bytes`, and what the container may use with it. */
export const container = { heldMb: 64, limitMiB: 512 } as const
