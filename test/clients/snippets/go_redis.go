package main

import (
	"fmt"
	"time"

	"gopkg.in/redis.v5"
)

func main() {
	// 3 s by default; a command may wait 60 s. PoolTimeout follows it.
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379", ReadTimeout: 70 * time.Second})
	// An application that can only be told Sentinels:
	other := redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: "mymaster", SentinelAddrs: []string{"127.0.0.1:26379"}, ReadTimeout: 70 * time.Second,
	})
	client.Set("greeting", "hello", 0)
	fmt.Println(other.Get("greeting").Val())
}
