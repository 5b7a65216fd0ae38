// work.go: the work of a program in Go, a goroutine for each role; each library gives its own commands.
package work

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const Script = "redis.call('RPUSH', KEYS[1], ARGV[1]) return ARGV[1]"

// It comes behind all that the rounds have pushed, for a wait that has no end.
const lastItem = "0"

type Commands interface {
	Set(key, value string) error
	Get(key string) (string, error)
	Push(key, value string) (int64, error)
	// SET, GET and RPUSH in one pipeline, or between MULTI and EXEC; what GET answered.
	Batch(transaction bool, item, from, list string) (string, error)
	Eval(script, key, argument string) (string, error)
	Publish(channel, message string) (int64, error)
}

type Library struct {
	Commands Commands
	// Subscribe returns with the error that ended it; it calls ready once, and heard with each message.
	Subscribe func(channel string, ready func(), heard func(string)) error
	// Pop waits a second for an element; "" without one.
	Pop func(key string) (string, error)
}

type Given struct {
	Host, Port, Via, Key, StopFile string
	Recommended                    bool
}

func Read() Given {
	a := os.Args[1:]
	return Given{Host: a[0], Port: a[1], Via: a[2], Recommended: a[4] == "recommended", Key: a[5], StopFile: a[6]}
}

var lock sync.Mutex

func say(words ...any) {
	lock.Lock()
	defer lock.Unlock()
	fmt.Println(strings.ReplaceAll(strings.TrimSuffix(fmt.Sprintln(words...), "\n"), "\n", " "))
}

func took(since time.Time) int64 { return time.Since(since).Milliseconds() }

func (g Given) stopping() bool {
	_, err := os.Stat(g.StopFile)
	return err == nil
}

func (g Given) Run(l Library) {
	go g.subscriber(l)
	popped := make(chan bool)
	go func() { g.popper(l); popped <- true }()
	g.rounds(l.Commands)
	<-popped
}

func (g Given) rounds(c Commands) {
	say("ready", "commands")
	key := g.Key
	for n := 1; !g.stopping(); n++ {
		item := strconv.Itoa(n)
		echo("commands", n, func() (string, error) {
			if err := c.Set(key+":value", item); err != nil {
				return "", err
			}
			value, err := c.Get(key + ":value")
			if err == nil {
				_, err = c.Push(key+":commands", item)
			}
			return value, err
		})
		echo("pipeline", n, func() (string, error) { return c.Batch(false, item, key+":piped", key+":pipeline") })
		echo("transaction", n, func() (string, error) { return c.Batch(true, item, key+":transacted", key+":transaction") })
		echo("script", n, func() (string, error) { return c.Eval(Script, key+":script", item) })
		count("publish", n, func() (int64, error) { return c.Publish(key+":news", item) })
		count("queue", n, func() (int64, error) { return c.Push(key+":queue", item) })
		time.Sleep(20 * time.Millisecond)
	}
	say("ended", "commands")
}

func echo(step string, n int, run func() (string, error)) {
	since := time.Now()
	reply, err := run()
	if err != nil {
		failed(step, n, since, err)
		return
	}
	say("done", step, n, took(since))
	if reply != strconv.Itoa(n) {
		say("wrong", step, n, reply)
	}
}

func count(step string, n int, run func() (int64, error)) {
	since := time.Now()
	reply, err := run()
	if err != nil {
		failed(step, n, since, err)
		return
	}
	say("done", step, n, took(since), reply)
}

func failed(step string, n int, since time.Time, err error) {
	say("failed", step, n, took(since), err)
	time.Sleep(20 * time.Millisecond)
}

func (g Given) subscriber(l Library) {
	for {
		since := time.Now()
		err := l.Subscribe(g.Key+":news", func() { say("ready", "subscriber") }, func(text string) { say("heard", text) })
		failed("subscribe", 0, since, err)
	}
}

func (g Given) popper(l Library) {
	say("ready", "popper")
	for {
		last := g.stopping()
		since := time.Now()
		item, err := l.Pop(g.Key + ":queue")
		if err != nil {
			failed("pop", 0, since, err)
		} else if item != "" {
			say("popped", item)
		}
		if item == lastItem || (last && item == "") {
			break
		}
	}
	say("ended", "popper")
}
