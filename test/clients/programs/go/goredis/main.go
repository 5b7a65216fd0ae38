// main.go HOST PORT VIA PROTOCOL SETTINGS KEY STOP-FILE: go-redis 5, its client or its failover client.
package main

import (
	"fmt"
	"time"

	"holdfast/work"

	"gopkg.in/redis.v5"
)

func main() {
	g := work.Read()
	client := open(g)
	g.Run(work.Library{
		Commands: commands{client},
		Subscribe: func(channel string, ready func(), heard func(string)) error {
			messages, err := client.Subscribe(channel)
			if err != nil {
				return err
			}
			ready()
			for {
				message, err := messages.ReceiveMessage()
				if err != nil {
					return err
				}
				heard(message.Payload)
			}
		},
		Pop: func(key string) (string, error) {
			// Its time-out of a blocking command is that of the command and a second, whatever ReadTimeout is.
			wait := time.Second
			if g.Recommended {
				wait = 0
			}
			popped, err := client.BLPop(wait, key).Result()
			if err == redis.Nil {
				return "", nil
			}
			if err != nil {
				return "", err
			}
			return popped[1], nil
		},
	})
}

func open(g work.Given) *redis.Client {
	timeout := time.Duration(0)
	if g.Recommended {
		timeout = 70 * time.Second
	}
	at := g.Host + ":" + g.Port
	if g.Via == "sentinel" {
		return redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "mymaster", SentinelAddrs: []string{at}, ReadTimeout: timeout})
	}
	return redis.NewClient(&redis.Options{Addr: at, ReadTimeout: timeout})
}

type commands struct{ client *redis.Client }

func (c commands) Set(key, value string) error           { return c.client.Set(key, value, 0).Err() }
func (c commands) Get(key string) (string, error)        { return c.client.Get(key).Result() }
func (c commands) Push(key, value string) (int64, error) { return c.client.RPush(key, value).Result() }
func (c commands) Eval(script, key, argument string) (string, error) {
	reply, err := c.client.Eval(script, []string{key}, argument).Result()
	return fmt.Sprint(reply), err
}
func (c commands) Publish(channel, message string) (int64, error) {
	return c.client.Publish(channel, message).Result()
}

func (c commands) Batch(transaction bool, item, from, list string) (string, error) {
	pipe := c.client.Pipeline()
	if transaction {
		pipe = c.client.TxPipeline()
	}
	pipe.Set(from, item, 0)
	value := pipe.Get(from)
	pipe.RPush(list, item)
	if _, err := pipe.Exec(); err != nil {
		return "", err
	}
	return value.Result()
}
