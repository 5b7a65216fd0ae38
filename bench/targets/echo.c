/* echo.c: the least any server can do on Linux: epoll, read, and write an answer. What is left is the kernel's.
 *
 * Answers as echo.ts does: GET and SET as redis-benchmark sends them with values of 64 bytes, counted by their length.
 * Usage: echo PORT
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 512, FILES = 65536, DEEPEST = 1024, GET_BYTES = 36, SET_BYTES = 107, VALUE_BYTES = 64 };

struct connection {
    char letter;
    int rest;
};

static struct connection connections[FILES];
static char input[64 * 1024];
static char gets[DEEPEST * 128], sets[DEEPEST * 8];
static int get_reply, set_reply;
static const char refusal[] = "-ERR no\r\n-ERR no\r\n";

static void make_replies(void) {
    char value[VALUE_BYTES + 1], one[128];
    memset(value, 'x', VALUE_BYTES);
    value[VALUE_BYTES] = 0;
    get_reply = snprintf(one, sizeof one, "$%d\r\n%s\r\n", VALUE_BYTES, value);
    set_reply = 5;
    for (int n = 0; n < DEEPEST; n++) {
        memcpy(gets + n * get_reply, one, get_reply);
        memcpy(sets + n * set_reply, "+OK\r\n", set_reply);
    }
}

/* A reply is small and the client waits for it, so the socket takes it whole. */
static void reply(int fd, const char *bytes, int length) {
    if (write(fd, bytes, length) != length) close(fd);
}

static void serve(int fd) {
    ssize_t length = read(fd, input, sizeof input);
    if (length <= 0) {
        close(fd);
        return;
    }
    struct connection *one = &connections[fd];
    if (one->rest == 0) one->letter = length > 8 ? input[8] : 0;
    int size = one->letter == 'G' ? GET_BYTES : one->letter == 'S' ? SET_BYTES : 0;
    if (size == 0) {
        reply(fd, refusal, sizeof refusal - 1);
        return;
    }
    int all = one->rest + (int)length, commands = all / size;
    one->rest = all - commands * size;
    if (commands > DEEPEST) commands = DEEPEST;
    if (commands == 0) return;
    if (one->letter == 'G') reply(fd, gets, commands * get_reply);
    else reply(fd, sets, commands * set_reply);
}

static void accept_all(int listener, int poll) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
        if (fd < 0) return;
        if (fd >= FILES) {
            close(fd);
            continue;
        }
        connections[fd] = (struct connection){0, 0};
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
    }
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1, poll = epoll_create1(0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) {
        perror("listen");
        return 1;
    }
    make_replies();
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[EVENTS];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(poll, events, EVENTS, -1);
        for (int n = 0; n < count; n++) {
            if (events[n].data.fd == listener) accept_all(listener, poll);
            else serve(events[n].data.fd);
        }
    }
}
