// Chat is a room for Go programs and browsers on one server.
//
//	go run ./examples/chat
//
// runs the server and two members in this process, lets them talk, and ends.
//
//	npm --prefix examples/chat ci && go run ./examples/chat -listen 127.0.0.1:8081
//
// serves until it is interrupted: the room, and a page for browsers that joins
// it with the CometD project's own JavaScript client.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"time"

	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/client"
)

const room = "/chat/room"

//go:embed index.html
var page []byte

// A Line is what somebody says.
type Line struct {
	From string `json:"from"`
	Text string `json:"text"`
}

func main() {
	listen := flag.String("listen", "", "host and port to serve on until interrupted; empty: a short talk of two Go programs")
	modules := flag.String("modules", filepath.Join("examples", "chat", "node_modules"), "where npm put the cometd package")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *listen, *modules); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, listen, modules string) error {
	address := listen
	if address == "" {
		address = "127.0.0.1:0"
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	server := bayeuxtest.Serve(l, "/cometd", bayeuxtest.New(nil), site(modules))
	defer server.Close()
	if listen == "" {
		return talk(ctx, server.URL)
	}
	fmt.Printf("the page is http://%s/, the room %s at %s\n", l.Addr(), room, server.URL)
	<-ctx.Done()
	return nil
}

// site serves the page, and the client that it imports.
func site(modules string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(page)
	})
	mux.Handle("GET /node_modules/", http.StripPrefix("/node_modules/", http.FileServer(http.Dir(modules))))
	return mux
}

// talk has two members say a line each, and ends when both have heard both.
func talk(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var dialer client.Dialer // its sessions share connections
	defer dialer.Close()
	var members []*client.Client
	var rooms []*client.Subscription
	for range 2 {
		c, err := dialer.Dial(ctx, url, nil)
		if err != nil {
			return err
		}
		sub, err := c.Subscribe(ctx, room, nil)
		if err != nil {
			return err
		}
		members, rooms = append(members, c), append(rooms, sub)
	}
	names := []string{"Harold", "William"}
	for i, c := range members {
		if err := c.Publish(ctx, room, Line{names[i], "hello, I am " + names[i]}); err != nil {
			return err
		}
	}
	var all sync.WaitGroup
	errs := make([]error, len(members))
	for i := range members {
		all.Go(func() { errs[i] = hear(ctx, names[i], rooms[i], len(members)) })
	}
	all.Wait()
	for _, c := range members {
		errs = append(errs, c.Disconnect(ctx))
	}
	return errors.Join(errs...)
}

// hear prints the next count lines.
func hear(ctx context.Context, name string, sub *client.Subscription, count int) error {
	for item, err := range client.Values[Line](sub.Messages(ctx)) {
		if err != nil {
			return err
		}
		line, ok := item.Value()
		if !ok { // some lines may be missing, or somebody sent what is no Line
			fmt.Printf("%s: %v\n", name, item.Problem())
			continue
		}
		fmt.Printf("%s hears %s: %s\n", name, line.From, line.Text)
		if count--; count == 0 {
			break
		}
	}
	return nil
}
