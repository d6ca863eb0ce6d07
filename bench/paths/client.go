package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bench/peers"
	"github.com/turold/turold/client"
	"github.com/turold/turold/interop/servers"
)

// A subject is a client and the server of its make.
type subject struct {
	name   string
	server *servers.Kind
	watch  func() ([]string, error) // the command that watches, without URL and channel
}

var subjects = []subject{
	{"Turold", servers.CometD, own("watch")},
	{"Turold, NoAck", servers.CometD, own("watch-no-ack")},
	{"CometD's Java client", servers.CometD, func() ([]string, error) {
		p := servers.JavaProgram("peer-java", folder(peers.Java, "java"))
		dir, err := p.Built()
		return servers.JavaCommand(dir, "Watch"), err
	}},
	{"CometD's JavaScript client", servers.CometD, node("peer-js", folder(peers.JavaScript, "js"))},
	{"Faye's client", servers.Faye, node("peer-faye", folder(peers.Faye, "faye"))},
}

func own(how string) func() ([]string, error) {
	return func() ([]string, error) { return []string{os.Args[0], how}, nil }
}

func node(name string, source fs.FS) func() ([]string, error) {
	return func() ([]string, error) {
		p := servers.NodeProgram(name, source)
		dir, err := p.Built()
		return []string{"node", filepath.Join(dir, "watch.js")}, err
	}
}

func folder(of fs.FS, name string) fs.FS {
	f, err := fs.Sub(of, name)
	if err != nil {
		panic(err)
	}
	return f
}

// watch is Turold's process: it prints what the others print, and "gap" where the
// stream has one.
func watch(ctx context.Context, url, channel string, noAck bool) error {
	fmt.Println("dial")
	c, err := client.Dial(ctx, url, &client.Options{NoAck: noAck})
	if err != nil {
		return err
	}
	defer c.Close()
	events, err := c.Subscribe(ctx, bayeux.Channel(channel), nil)
	if err != nil {
		return err
	}
	for item, err := range events.Messages(ctx) {
		if err != nil {
			return err
		}
		m, ok := item.Value()
		if !ok {
			fmt.Println("gap")
			continue
		}
		var data struct{ N int }
		if err := json.Unmarshal(m.Data, &data); err != nil {
			return err
		}
		fmt.Println(data.N)
	}
	return nil
}

// A seen is what a client has printed.
type seen struct {
	dialled time.Time
	events  []event
	gaps    int
}

type event struct {
	n  int
	at time.Time
}

// run starts a client, and reads what it prints until the context ends. Each event
// goes to arrived. A client may warm up at the server itself before it dials.
func (s subject) run(ctx context.Context, url, channel, server string, dialled func(), arrived func(n int)) (seen, error) {
	command, err := s.watch()
	if err != nil {
		return seen{}, err
	}
	process := exec.CommandContext(ctx, command[0], append(command[1:], url, channel, server)...)
	process.Stderr = nil
	out, err := process.StdoutPipe()
	if err != nil {
		return seen{}, err
	}
	if err := process.Start(); err != nil {
		return seen{}, err
	}
	var all seen
	for lines := bufio.NewScanner(out); lines.Scan(); {
		switch line := lines.Text(); line {
		case "dial":
			all.dialled = time.Now()
			dialled()
		case "gap":
			all.gaps++
		default:
			if n, err := strconv.Atoi(line); err == nil {
				all.events = append(all.events, event{n, time.Now()})
				arrived(len(all.events))
			}
		}
	}
	_ = process.Wait() // it was killed
	return all, nil
}
