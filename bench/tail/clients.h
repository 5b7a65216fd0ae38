/* clients.h: what both load generators in C share: their arguments, their sockets, and the words with the benchmark.
 *
 *   arguments  name=value                ◀─ "ready"  connected
 *   "go"   ─▶  begins                    ◀─ "done {...}" figures as JSON, or the process fails with a text
 *
 * generator.ts is the same for the generators in Node, which do the same work where there is no compiler.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { READ_BYTES = 256 * 1024, EVENTS = 256, MOST_CLIENTS = 1024 };
/* Numbers of an epoll event that are no socket's. */
enum { TIMER = 1 << 20, WORDS };

static int poller, timer;
static char input[READ_BYTES];

static void fail(const char *why) {
    fprintf(stderr, "%s\n", why);
    exit(1);
}

static const char *text_of(int argc, char **argv, const char *name) {
    size_t length = strlen(name);
    for (int n = 1; n < argc; n++) {
        if (strncmp(argv[n], name, length) == 0 && argv[n][length] == '=') return argv[n] + length + 1;
    }
    fprintf(stderr, "no argument %s=\n", name);
    exit(2);
}

static double number_of(int argc, char **argv, const char *name) {
    return atof(text_of(argc, argv, name));
}

static int64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void watch(int fd, uint32_t number, uint32_t events, int change) {
    struct epoll_event event = {.events = events, .data.u32 = number};
    if (epoll_ctl(poller, change, fd, &event) != 0) fail("epoll_ctl failed");
}

static void create_poller(void) {
    poller = epoll_create1(0);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    if (poller < 0 || timer < 0) fail("no epoll or timerfd");
    watch(timer, TIMER, EPOLLIN, EPOLL_CTL_ADD);
    watch(STDIN_FILENO, WORDS, EPOLLIN, EPOLL_CTL_ADD);
}

static int connect_to(int port, uint32_t number) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) fail("cannot connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    watch(fd, number, EPOLLIN, EPOLL_CTL_ADD);
    return fd;
}

/* The timer fires once, at that time of the monotonic clock; at once where it is in the past. */
static void wake_at(int64_t ns) {
    struct itimerspec at = {.it_value = {ns / 1000000000LL, ns % 1000000000LL}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static void timer_read(void) {
    uint64_t times;
    if (read(timer, &times, sizeof times) < 0 && errno != EAGAIN) fail("the timer cannot be read");
}

/* How many replies of a known length the bytes complete; looks at the first byte of each alone. */
static int count_replies(int64_t *have, const char *bytes, ssize_t length, int64_t reply_bytes) {
    int complete = 0;
    for (ssize_t at = 0; at < length;) {
        if (*have == 0 && bytes[at] == '-') {
            const char *end = memchr(bytes + at, '\r', length - at);
            int text = end == NULL ? (int)(length - at) : (int)(end - bytes - at);
            fprintf(stderr, "error reply: %.*s\n", text, bytes + at);
            exit(1);
        }
        ssize_t left = length - at, part = left < reply_bytes - *have ? left : reply_bytes - *have;
        at += part;
        *have += part;
        if (*have < reply_bytes) break;
        *have = 0;
        complete++;
    }
    return complete;
}

/* Bytes that have come, 0 for none; any end of a connection ends the process. */
static ssize_t read_some(int fd) {
    ssize_t length = read(fd, input, sizeof input);
    if (length == 0 || (length < 0 && errno != EAGAIN)) fail("the connection was closed");
    return length < 0 ? 0 : length;
}

/* The first letter of the benchmark's next word: g(o) or s(top). Its end is the end of this process. */
static char next_word(void) {
    char word[16];
    ssize_t length = read(STDIN_FILENO, word, sizeof word);
    if (length <= 0) exit(0);
    return word[0];
}

static int64_t bulk_bytes(int64_t value_bytes) {
    return snprintf(NULL, 0, "$%lld\r\n", (long long)value_bytes) + value_bytes + 2;
}
