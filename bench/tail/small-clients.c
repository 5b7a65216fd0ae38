/* small-clients.c: many clients send small GETs on a fixed timetable, whether or not replies keep up.
 *
 * The same as small-clients.ts, with a clock of nanoseconds and next to no work of its own: what is late is the target.
 */
#include "clients.h"

static int clients, total, sent, done;
static int sockets[MOST_CLIENTS], answered[MOST_CLIENTS];
static int64_t have[MOST_CLIENTS];
static int64_t started_at, end_at, period_ns, reply_bytes;
static double *latency, *lateness;
static char command[256];
static int command_bytes;
static const int64_t last_reply_within_ns = 2000000000LL;

static int64_t due_at(int n) {
    return started_at + n * period_ns;
}

static void send_due(void) {
    timer_read();
    for (int64_t now = now_ns(); sent < total && due_at(sent) <= now; sent++, now = now_ns()) {
        lateness[sent] = (now - due_at(sent)) / 1e3;
        /* Some tens of bytes: a socket that cannot take them has a target that reads no more. */
        if (write(sockets[sent % clients], command, command_bytes) != command_bytes) fail("a command could not be sent");
    }
    wake_at(sent < total ? due_at(sent) : end_at);
}

static void take(int n) {
    ssize_t length = read_some(sockets[n]);
    int replies = count_replies(&have[n], input, length, reply_bytes);
    int64_t now = now_ns();
    for (; replies > 0; replies--, done++) {
        int which = n + answered[n]++ * clients;
        latency[which] = (now - due_at(which)) / 1e3;
    }
}

static int ascending(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double at_fraction(const double *sorted, double fraction) {
    int rank = (int)(fraction * total);
    if (rank < fraction * total) rank++;
    return sorted[rank < 1 ? 0 : rank - 1];
}

static void print_summary(const char *name, double *values) {
    qsort(values, total, sizeof *values, ascending);
    printf("\"%s\":{\"p50\":%.0f,\"p99\":%.0f,\"p999\":%.0f,\"max\":%.0f}", name, at_fraction(values, 0.5),
           at_fraction(values, 0.99), at_fraction(values, 0.999), values[total - 1]);
}

static void finish(void) {
    int64_t now = now_ns();
    for (int n = 0; n < clients; n++) {
        for (int which = n + answered[n] * clients; which < total; which += clients) {
            latency[which] = (now - due_at(which)) / 1e3;
        }
    }
    printf("done {\"commands\":%d,\"unanswered\":%d,", done, total - done);
    print_summary("latency", latency);
    printf(",");
    print_summary("lateness", lateness);
    printf("}\n");
    exit(0);
}

int main(int argc, char **argv) {
    double rate = number_of(argc, argv, "ratePerSecond"), seconds = number_of(argc, argv, "seconds");
    const char *key = text_of(argc, argv, "key");
    clients = (int)number_of(argc, argv, "clients");
    if (clients < 1 || clients > MOST_CLIENTS) fail("too many clients");
    total = (int)(rate * seconds);
    if (total < 1) fail("no commands in so short a time");
    period_ns = (int64_t)(1e9 / rate);
    reply_bytes = bulk_bytes((int64_t)number_of(argc, argv, "valueBytes"));
    latency = calloc(total, sizeof *latency);
    lateness = calloc(total, sizeof *lateness);
    command_bytes = snprintf(command, sizeof command, "*2\r\n$3\r\nGET\r\n$%zu\r\n%s\r\n", strlen(key), key);
    create_poller();
    for (int n = 0; n < clients; n++) sockets[n] = connect_to((int)number_of(argc, argv, "port"), n);
    printf("ready\n");
    fflush(stdout);
    struct epoll_event events[EVENTS];
    while (done < total) {
        int count = epoll_wait(poller, events, EVENTS, -1);
        for (int k = 0; k < count; k++) {
            uint32_t number = events[k].data.u32;
            if (number == WORDS) {
                if (next_word() != 'g') continue;
                started_at = now_ns() + 1000000;
                end_at = started_at + total * period_ns + last_reply_within_ns;
                wake_at(started_at);
            } else if (number == TIMER) {
                if (sent == total && now_ns() >= end_at) finish();
                send_due();
            } else {
                take(number);
            }
        }
    }
    finish();
}
