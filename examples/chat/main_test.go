package main

import (
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/bayeux/bayeuxtest/memnet"
	"github.com/turold/turold/client"
)

// TestMemberOutlastsGaps: the server forgets the session, and somebody sends what is
// no Line, between two lines. A member hears both.
func TestMemberOutlastsGaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		l, err := network.Listen("chat:80")
		if err != nil {
			t.Fatal(err)
		}
		server := bayeuxtest.Serve(l, "/cometd", bayeuxtest.New(nil), nil)
		defer server.Close()
		var gaps atomic.Int64
		dialer := &client.Dialer{DialContext: network.DialContext, Proxy: http.ProxyURL(nil), Trace: &client.Trace{
			Gap: func(*client.Client, *client.GapError) { gaps.Add(1) },
		}}
		defer dialer.Close()
		c, err := dialer.Dial(t.Context(), "http://chat:80/cometd", nil)
		if err != nil {
			t.Fatal(err)
		}
		sub, err := c.Subscribe(t.Context(), room, nil)
		if err != nil {
			t.Fatal(err)
		}
		say := func(what any) {
			if err := server.Publish(room, what); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		say(Line{"Harold", "hello"})
		server.Forget("")
		time.Sleep(time.Minute)
		say(7)
		say(Line{"Harold", "are you there?"})
		if gaps.Load() == 0 {
			t.Fatal("the server forgot the session, and there is no gap")
		}
		if err := hear(t.Context(), "William", sub, 2); err != nil {
			t.Fatal(err)
		}
	})
}
