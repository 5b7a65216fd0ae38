package main

import (
	"fmt"

	"github.com/gomodule/redigo/redis"
)

func main() {
	// No DialReadTimeout: a command may wait 60 s.
	conn, err := redis.Dial("tcp", "127.0.0.1:6379")
	if err != nil {
		panic(err)
	}
	conn.Do("SET", "greeting", "hello")
	text, _ := redis.String(conn.Do("GET", "greeting"))
	fmt.Println(text)
}
