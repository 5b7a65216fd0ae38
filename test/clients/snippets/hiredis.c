#include <hiredis/hiredis.h>
#include <stdio.h>

int main(void) {
  /* No redisSetTimeout: a command may wait 60 s. */
  redisContext *redis = redisConnect("127.0.0.1", 6379);
  freeReplyObject(redisCommand(redis, "SET greeting hello"));
  redisReply *reply = redisCommand(redis, "GET greeting");
  puts(reply->str);
  freeReplyObject(reply);
  redisFree(redis);
}
