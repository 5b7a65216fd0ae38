// main.go HOST PORT VIA PROTOCOL SETTINGS KEY STOP-FILE: redigo, a connection for each role. A broken one is made anew,
// as its pool does.
package main

import (
	"holdfast/work"

	"github.com/gomodule/redigo/redis"
)

func main() {
	g := work.Read()
	// It has no time-out of its own unless it is given one.
	dial := func() (redis.Conn, error) { return redis.Dial("tcp", g.Host+":"+g.Port) }
	g.Run(work.Library{
		Commands: commands{&redis.Pool{MaxIdle: 1, Dial: dial}},
		Subscribe: func(channel string, ready func(), heard func(string)) error {
			conn, err := dial()
			if err != nil {
				return err
			}
			defer conn.Close()
			messages := redis.PubSubConn{Conn: conn}
			if err := messages.Subscribe(channel); err != nil {
				return err
			}
			for {
				switch one := messages.Receive().(type) {
				case error:
					return one
				case redis.Subscription:
					ready()
				case redis.Message:
					heard(string(one.Data))
				}
			}
		},
		Pop: popper(&redis.Pool{MaxIdle: 1, Dial: dial}),
	})
}

func popper(pool *redis.Pool) func(string) (string, error) {
	return func(key string) (string, error) {
		conn := pool.Get()
		defer conn.Close()
		popped, err := redis.Strings(conn.Do("BLPOP", key, 1))
		if err == redis.ErrNil {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		return popped[1], nil
	}
}

type commands struct{ pool *redis.Pool }

func (c commands) do(name string, words ...any) (any, error) {
	conn := c.pool.Get()
	defer conn.Close()
	return conn.Do(name, words...)
}

func (c commands) Set(key, value string) error {
	_, err := c.do("SET", key, value)
	return err
}
func (c commands) Get(key string) (string, error)        { return redis.String(c.do("GET", key)) }
func (c commands) Push(key, value string) (int64, error) { return redis.Int64(c.do("RPUSH", key, value)) }
func (c commands) Eval(script, key, argument string) (string, error) {
	return redis.String(c.do("EVAL", script, 1, key, argument))
}
func (c commands) Publish(channel, message string) (int64, error) {
	return redis.Int64(c.do("PUBLISH", channel, message))
}

func (c commands) Batch(transaction bool, item, from, list string) (string, error) {
	conn := c.pool.Get()
	defer conn.Close()
	if transaction {
		conn.Send("MULTI")
	}
	conn.Send("SET", from, item)
	conn.Send("GET", from)
	conn.Send("RPUSH", list, item)
	last := ""
	if transaction {
		last = "EXEC"
	}
	replies, err := redis.Values(conn.Do(last))
	if err != nil {
		return "", err
	}
	return redis.String(replies[1], nil)
}
