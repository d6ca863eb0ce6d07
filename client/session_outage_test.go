package client

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

func TestServerThatForgetsEachSessionIsNotHammered(t *testing.T) {
	bubble(t, nil, acked, func(c *Client, p *pipe) {
		start, n := time.Now(), 0
		for time.Since(start) < 10*time.Second {
			time.Sleep(10 * time.Millisecond)
			l := exchange()
			if b := p.draw(transport.LaneConnect, l); b != "" {
				p.say(l, `[{"advice":{"interval":0,"reconnect":"handshake"},"channel":"/meta/connect","id":"`+idOf(t, b, bayeux.MetaConnect)+`","error":"402::session_unknown","successful":false}]`)
				n++
			}
			l = exchange()
			if b := p.draw(transport.LaneCommands, l); b != "" {
				p.say(l, batch(reply(bayeux.MetaHandshake, idOf(t, b, bayeux.MetaHandshake), `"clientId":"x"`)))
				n++
			}
		}
		require.LessOrEqual(t, n, 22, "requests in 10 s")
		require.Greater(t, n, 4)
	})
}

func TestOutageCostsFewAttempts(t *testing.T) {
	bubble(t, nil, acked, func(c *Client, p *pipe) {
		time.Sleep(firstConnectDelay)
		l := exchange()
		p.hold(l)
		p.end(l, reset(false))
		p.woken(transport.LaneConnect)
		start := time.Now()
		var at []time.Duration
		for time.Since(start) < 300*time.Second {
			time.Sleep(5 * time.Millisecond)
			if p.woken(transport.LaneConnect) {
				l := exchange()
				p.hold(l)
				at = append(at, time.Since(start))
				p.end(l, &transport.Error{Op: "dial", Unsent: true, Err: context.DeadlineExceeded})
			}
		}
		in := func(d time.Duration) (n int) {
			for _, a := range at {
				if a < d {
					n++
				}
			}
			return n
		}
		require.LessOrEqual(t, at[0], maxFirstPause+10*time.Millisecond)
		require.LessOrEqual(t, in(10*time.Second), 10)
		require.GreaterOrEqual(t, in(30*time.Second), 14, "a retry every 2 s at most for the first 30 s")
		require.LessOrEqual(t, len(at), 45, "and every 30 s later")
		require.Equal(t, StateWaiting, c.Status().State)
	})
}

func TestServerAdviceIsAFloor(t *testing.T) {
	bubble(t, nil, acked, func(c *Client, p *pipe) {
		time.Sleep(firstConnectDelay)
		l := exchange()
		id := p.hold(l)
		p.say(l, batch(reply(bayeux.MetaConnect, id, `"advice":{"multiple-clients":true,"interval":2000,"reconnect":"retry"}`)))
		require.Empty(t, p.draw(transport.LaneConnect, exchange()))
		time.Sleep(1999 * time.Millisecond)
		require.Empty(t, p.draw(transport.LaneConnect, exchange()))
		time.Sleep(time.Millisecond)
		l = exchange()
		p.hold(l)
		p.end(l, &transport.Error{Op: "status", Status: 503, RetryAfter: 7 * time.Second, Err: context.Canceled})
		time.Sleep(6999 * time.Millisecond)
		require.Empty(t, p.draw(transport.LaneConnect, exchange()))
		time.Sleep(time.Millisecond)
		require.NotEmpty(t, p.draw(transport.LaneConnect, exchange()))
	})
}

func TestEchoOfTheLeaseIsNoAdvice(t *testing.T) {
	bubble(t, nil, acked, func(c *Client, p *pipe) {
		time.Sleep(firstConnectDelay)
		l := exchange()
		id := p.hold(l)
		p.say(l, batch(reply(bayeux.MetaConnect, id, `"advice":{"interval":30000,"timeout":20000,"reconnect":"retry"}`)))
		require.NotEmpty(t, p.draw(transport.LaneConnect, exchange()), "at once")
	})
}

func TestServerThatNeverHoldsIsAskedLessAndLess(t *testing.T) {
	bubble(t, nil, acked, func(c *Client, p *pipe) {
		start, n := time.Now(), 0
		for time.Since(start) < 10*time.Second {
			time.Sleep(time.Millisecond)
			l := exchange()
			if b := p.draw(transport.LaneConnect, l); b != "" {
				p.say(l, batch(reply(bayeux.MetaConnect, idOf(t, b, bayeux.MetaConnect))))
				n++
			}
		}
		require.LessOrEqual(t, n, 20)
	})
}

func TestServerThatWantsUsGone(t *testing.T) {
	bubble(t, nil, acked, func(c *Client, p *pipe) {
		s := p.subscribe(c, "/a", nil, exchange())
		l := exchange()
		id := p.hold(l)
		p.say(l, batch(event("/a", "1"), `{"channel":"/meta/disconnect","successful":true}`, reply(bayeux.MetaConnect, id, `"advice":{"reconnect":"none"}`)))
		<-c.Done()
		require.ErrorIs(t, c.Err(), ErrServerEnded)
		require.Equal(t, []string{"1", "error: " + ErrServerEnded.Error()}, pulled(s))
		require.ErrorIs(t, c.Publish(context.Background(), "/a", 1), ErrServerEnded)
	})
}

func TestLateConnectIsCut(t *testing.T) {
	bubble(t, nil, acked, func(c *Client, p *pipe) {
		time.Sleep(firstConnectDelay)
		l := socket()
		p.say(l, batch(reply(bayeux.MetaConnect, p.hold(l)))) // the first one asks for no hold
		p.hold(l)
		time.Sleep(30*time.Second - time.Millisecond)
		require.NoError(t, p.cutOf(l.ID))
		time.Sleep(time.Millisecond)
		require.ErrorIs(t, p.cutOf(l.ID), ErrNoReply)
		p.end(l, &transport.Error{Op: "cut", Err: ErrNoReply})
		require.Equal(t, StateWaiting, c.Status().State)
	})
}

func TestWarmConnectionThatWasDeadIsNoFailure(t *testing.T) {
	bubble(t, nil, acked, func(c *Client, p *pipe) {
		time.Sleep(firstConnectDelay)
		l := exchange()
		p.hold(l)
		dead := &transport.Error{Op: "read", StaleConn: true, Err: context.Canceled}
		p.end(l, dead)
		l = exchange()
		p.hold(l) // at once
		p.end(l, dead)
		require.Empty(t, p.draw(transport.LaneConnect, exchange()), "once")
		synctest.Wait()
		require.Equal(t, StateWaiting, c.Status().State)
	})
}
