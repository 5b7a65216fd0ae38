// syscalls.test.ts: the reading of what perf and strace print, and what is a read, a write and a wait.

import t from 'tap'
import { perCommand, perfEvents, readPerf, readStrace } from '../../../bench/syscalls/kinds.ts'

const perfText = `# started on Thu Nov 26 03:16:33 2026

5300,,raw_syscalls:sys_enter,1556925,100.00,,
2000,,syscalls:sys_enter_read,1556925,100.00,,
10,,syscalls:sys_enter_readv,1556925,100.00,,
1990,,syscalls:sys_enter_writev,1556925,100.00,,
500,,syscalls:sys_enter_epoll_pwait,1556925,100.00,,
<not counted>,,syscalls:sys_enter_recvfrom,0,100.00,,
`

const straceText = `    calls syscall
--------- ----------------
    79201 epoll_pwait
    40000 read
    20000 sendto
        3 munmap
--------- ----------------
   139204 total
`

t.test('readPerf — reads the counts, and zero for a call that was not made', async t => {
  t.strictSame(Object.fromEntries(readPerf(perfText)), {
    all: 5_300,
    read: 2_000,
    readv: 10,
    writev: 1_990,
    epoll_pwait: 500,
    recvfrom: 0,
  })
  t.throws(() => readPerf(''), /perf counted no system calls/)
  t.throws(() => readPerf('<not supported>,,raw_syscalls:sys_enter,0,100.00,,'), /perf counted no system calls/)
})

t.test('readStrace — reads the table', async t => {
  t.strictSame(Object.fromEntries(readStrace(straceText)), {
    epoll_pwait: 79_201,
    read: 40_000,
    sendto: 20_000,
    munmap: 3,
    all: 139_204,
  })
  t.strictSame(Object.fromEntries(readStrace('')), { all: 0 })
  t.throws(() => readStrace('strace: attach: ptrace(PTRACE_SEIZE, 1): Operation not permitted'), /not permitted/)
})

t.test('perCommand — divides by kind, and what is neither is another', async t => {
  t.strictSame(perCommand(readPerf(perfText), 1_000), { reads: 2.01, writes: 1.99, waits: 0.5, others: 0.8 })
  t.match(perCommand(readStrace(straceText), 10_000), { reads: 4, writes: 2, waits: 7.9201, others: 0.0003 })
})

t.test('perfEvents — asks only for calls that the kernel has', async t => {
  t.strictSame(
    perfEvents(call => call === 'read' || call === 'epoll_pwait'),
    ['raw_syscalls:sys_enter', 'syscalls:sys_enter_read', 'syscalls:sys_enter_epoll_pwait'],
  )
})
