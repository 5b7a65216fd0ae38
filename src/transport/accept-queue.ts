// accept-queue.ts: how many clients may be connected and wait to be accepted. They wait in the kernel while the process
// stands still, or the loop has other work. Beyond that TCP tries again seconds later, and may reset the client then; a
// connection to a Unix-domain socket fails at once. An entry costs nothing before it is used.

/** More than any system allows: the kernel takes its own bound instead (`net.core.somaxconn`). */
export const ACCEPT_QUEUE = 65_535
