/* large-clients.c: one client or a few move large values, at a fixed rate or always. The same as large-clients.ts. */
#include "clients.h"

struct client {
    int fd;
    /* Commands that are due, and those whose bytes have gone; how much of the next one has. */
    int64_t due, gone, offset;
    int64_t have;
    int waits_for_room;
};

static struct client clients[MOST_CLIENTS];
static int count, keys;
static char **commands;
static int *lengths;
static int64_t reply_bytes, started_at, period_ns, begun, done;

static void push(int n) {
    struct client *one = &clients[n];
    while (one->gone < one->due) {
        int which = one->gone % keys;
        ssize_t taken = write(one->fd, commands[which] + one->offset, lengths[which] - one->offset);
        if (taken < 0 && errno != EAGAIN) fail("the connection was closed");
        if (taken < 0) break;
        one->offset += taken;
        if (one->offset < lengths[which]) continue;
        one->offset = 0;
        one->gone++;
    }
    int wait = one->gone < one->due;
    if (wait == one->waits_for_room) return;
    one->waits_for_room = wait;
    watch(one->fd, n, wait ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
}

static void send_to(int n) {
    begun++;
    clients[n].due++;
    push(n);
}

static void take(int n) {
    int replies = count_replies(&clients[n].have, input, read_some(clients[n].fd), reply_bytes);
    done += replies;
    if (period_ns == 0) {
        for (; replies > 0; replies--) send_to(n);
    }
}

static void begin(void) {
    started_at = now_ns();
    if (period_ns > 0) wake_at(started_at);
    else {
        for (int n = 0; n < count; n++) send_to(n);
    }
}

static void send_due(void) {
    timer_read();
    for (int64_t now = now_ns(); started_at + begun * period_ns <= now; now = now_ns()) send_to(begun % count);
    wake_at(started_at + begun * period_ns);
}

static void make_commands(const char *verb, int64_t value_bytes) {
    commands = calloc(keys, sizeof *commands);
    lengths = calloc(keys, sizeof *lengths);
    int is_set = verb[0] == 'S';
    for (int n = 0; n < keys; n++) {
        char *bytes = commands[n] = malloc(256 + (is_set ? value_bytes : 0));
        if (bytes == NULL) fail("no memory for the values");
        int at = sprintf(bytes, "*%d\r\n$3\r\n%s\r\n$16\r\nkey:%012d\r\n", is_set ? 3 : 2, verb, n);
        if (is_set) {
            at += sprintf(bytes + at, "$%lld\r\n", (long long)value_bytes);
            memset(bytes + at, 'x', value_bytes);
            at += value_bytes;
            bytes[at++] = '\r';
            bytes[at++] = '\n';
        }
        lengths[n] = at;
    }
    reply_bytes = is_set ? 5 : bulk_bytes(value_bytes);
}

int main(int argc, char **argv) {
    double rate = number_of(argc, argv, "ratePerSecond");
    count = (int)number_of(argc, argv, "clients");
    keys = (int)number_of(argc, argv, "keys");
    if (count < 1 || count > MOST_CLIENTS || keys < 1) fail("clients and keys: at least one, and not too many");
    period_ns = rate > 0 ? (int64_t)(1e9 / rate) : 0;
    make_commands(text_of(argc, argv, "command"), (int64_t)number_of(argc, argv, "valueBytes"));
    create_poller();
    for (int n = 0; n < count; n++) clients[n].fd = connect_to((int)number_of(argc, argv, "port"), n);
    printf("ready\n");
    fflush(stdout);
    struct epoll_event events[EVENTS];
    for (;;) {
        int ready = epoll_wait(poller, events, EVENTS, -1);
        for (int k = 0; k < ready; k++) {
            uint32_t number = events[k].data.u32;
            if (number == WORDS) {
                if (next_word() == 'g') {
                    begin();
                    continue;
                }
                double seconds = (now_ns() - started_at) / 1e9;
                printf("done {\"commands\":%lld,\"seconds\":%.6f,\"underWay\":%lld}\n", (long long)done, seconds,
                       (long long)(begun - done));
                return 0;
            }
            if (number == TIMER) send_due();
            else {
                if (events[k].events & EPOLLOUT) push(number);
                if (events[k].events & ~EPOLLOUT) take(number);
            }
        }
    }
}
