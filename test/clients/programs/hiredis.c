/* hiredis.c HOST PORT VIA PROTOCOL SETTINGS KEY STOP-FILE: hiredis, a process for each role. */
#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char **given;
#define KEY given[6]
static const char *script = "redis.call('RPUSH', KEYS[1], ARGV[1]) return ARGV[1]";

static long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int stopping(void) { return access(given[7], F_OK) == 0; }

static redisContext *connection(void) {
  redisContext *c = redisConnect(given[1], atoi(given[2]));
  if (c == NULL || c->err) return c;
  if (strcmp(given[4], "3") == 0) freeReplyObject(redisCommand(c, "HELLO 3"));
  return c;
}

/* The reply as text, and whether it is one; a broken connection is made anew, as an application does. */
static int take(redisContext **c, redisReply *reply, char *text) {
  int well = 0;
  if (reply == NULL) {
    snprintf(text, 200, "%s", (*c)->errstr);
    redisFree(*c);
    *c = connection();
    return 0;
  }
  if (reply->type == REDIS_REPLY_INTEGER) snprintf(text, 200, "%lld", reply->integer);
  else snprintf(text, 200, "%s", reply->str ? reply->str : "");
  well = reply->type != REDIS_REPLY_ERROR;
  freeReplyObject(reply);
  return well;
}

static int ask(redisContext **c, char *text, const char *format, ...) {
  va_list rest;
  va_start(rest, format);
  redisReply *reply = redisvCommand(*c, format, rest);
  va_end(rest);
  return take(c, reply, text);
}

static int commands(redisContext **c, long n, char *text) {
  char other[200];
  return ask(c, other, "SET %s:value %ld", KEY, n) && ask(c, text, "GET %s:value", KEY) &&
         ask(c, other, "RPUSH %s:commands %ld", KEY, n);
}

static int pipeline(redisContext **c, long n, char *text) {
  redisAppendCommand(*c, "SET %s:piped %ld", KEY, n);
  redisAppendCommand(*c, "GET %s:piped", KEY);
  redisAppendCommand(*c, "RPUSH %s:pipeline %ld", KEY, n);
  for (int part = 0; part < 3; part++) {
    char other[200];
    redisReply *reply = NULL;
    redisGetReply(*c, (void **)&reply);
    if (!take(c, reply, part == 1 ? text : other)) {
      if (part != 1) strcpy(text, other);
      return 0;
    }
  }
  return 1;
}

static int transaction(redisContext **c, long n, char *text) {
  if (!ask(c, text, "MULTI") || !ask(c, text, "SET %s:transacted %ld", KEY, n) ||
      !ask(c, text, "GET %s:transacted", KEY) || !ask(c, text, "RPUSH %s:transaction %ld", KEY, n))
    return 0;
  redisReply *reply = redisCommand(*c, "EXEC");
  if (reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements == 3) {
    snprintf(text, 200, "%s", reply->element[1]->str);
    freeReplyObject(reply);
    return 1;
  }
  return take(c, reply, text) && 0;
}

static int run_script(redisContext **c, long n, char *text) {
  return ask(c, text, "EVAL %s 1 %s:script %ld", script, KEY, n);
}
static int publish(redisContext **c, long n, char *text) { return ask(c, text, "PUBLISH %s:news %ld", KEY, n); }
static int queue(redisContext **c, long n, char *text) { return ask(c, text, "RPUSH %s:queue %ld", KEY, n); }

static const struct step {
  const char *name;
  int (*run)(redisContext **, long, char *);
  int echoes;
} steps[] = {{"commands", commands, 1}, {"pipeline", pipeline, 1},  {"transaction", transaction, 1},
             {"script", run_script, 1}, {"publish", publish, 0}, {"queue", queue, 0}};

static void rounds(void) {
  redisContext *c = connection();
  printf("ready commands\n");
  for (long n = 1; !stopping(); n++) {
    for (int i = 0; i < 6; i++) {
      char text[200] = "", wanted[30];
      long since = now();
      int well = steps[i].run(&c, n, text);
      snprintf(wanted, sizeof wanted, "%ld", n);
      if (!well) printf("failed %s %ld %ld %s\n", steps[i].name, n, now() - since, text);
      else printf("done %s %ld %ld %s\n", steps[i].name, n, now() - since, text);
      if (well && steps[i].echoes && strcmp(text, wanted) != 0) printf("wrong %s %ld %s\n", steps[i].name, n, text);
      if (!well) usleep(20000);
    }
    usleep(20000);
  }
  printf("ended commands\n");
}

static void subscriber(void) {
  for (;;) {
    redisContext *c = connection();
    long since = now();
    /* On RESP3 all that comes is a push, the confirmation too; the usual callback would drop it. */
    redisSetPushCallback(c, NULL);
    redisReply *reply = redisCommand(c, "SUBSCRIBE %s:news", KEY);
    if (reply != NULL) {
      freeReplyObject(reply);
      printf("ready subscriber\n");
    }
    while (redisGetReply(c, (void **)&reply) == REDIS_OK) {
      if (reply->elements == 3 && strcmp(reply->element[0]->str, "message") == 0)
        printf("heard %s\n", reply->element[2]->str);
      freeReplyObject(reply);
    }
    printf("failed subscribe 0 %ld %s\n", now() - since, c->errstr);
    redisFree(c);
    usleep(50000);
  }
}

static void popper(void) {
  redisContext *c = connection();
  printf("ready popper\n");
  for (;;) {
    int last = stopping();
    long since = now();
    char text[200] = "";
    redisReply *reply = redisCommand(c, "BLPOP %s:queue 1", KEY);
    if (reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2) {
      printf("popped %s\n", reply->element[1]->str);
      freeReplyObject(reply);
    } else if (reply != NULL && (reply->type == REDIS_REPLY_NIL || reply->type == REDIS_REPLY_ARRAY)) {
      freeReplyObject(reply);
      if (last) break;
    } else {
      take(&c, reply, text);
      printf("failed pop 0 %ld %s\n", now() - since, text);
      usleep(50000);
      if (last) break;
    }
  }
  printf("ended popper\n");
}

int main(int argc, char **argv) {
  void (*roles[])(void) = {subscriber, popper, rounds};
  pid_t waited[3];
  (void)argc;
  given = argv;
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (int i = 0; i < 3; i++)
    if ((waited[i] = fork()) == 0) {
      roles[i]();
      fflush(stdout);
      _exit(0);
    }
  for (int i = 1; i < 3; i++) waitpid(waited[i], NULL, 0);
  return 0;
}
