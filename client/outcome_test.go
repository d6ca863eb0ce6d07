package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// connected bubble: the first connect is out on a leg of its own.
func steady(t *testing.T, o *Options, f func(c *Client, p *pipe)) {
	t.Helper()
	bubble(t, o, acked, func(c *Client, p *pipe) {
		time.Sleep(firstConnectDelay)
		p.hold(exchange())
		f(c, p)
	})
}

func outcome(t *testing.T, err error) *OutcomeError {
	t.Helper()
	var o *OutcomeError
	require.ErrorAs(t, err, &o)
	return o
}

func TestWhatDidNotLeaveLeavesAgainInItsOrder(t *testing.T) {
	steady(t, nil, func(c *Client, p *pipe) {
		var rs []*Receipt
		for i := range 3 {
			r, err := c.Send(context.Background(), Draft{Channel: "/a", Data: i})
			require.NoError(t, err)
			rs = append(rs, r)
		}
		l := exchange()
		before := p.draw(transport.LaneCommands, l)
		_, err := c.Send(context.Background(), Draft{Channel: "/a", Data: 3})
		require.NoError(t, err)
		p.end(l, &transport.Error{Op: "dial", Unsent: true, Err: errors.New("refused")})
		require.Empty(t, p.draw(transport.LaneCommands, exchange()), "a pause")
		time.Sleep(maxFirstPause)
		l = exchange()
		after := p.draw(transport.LaneCommands, l)
		require.True(t, strings.HasPrefix(after, strings.TrimSuffix(before, "]")), "%s\n%s", before, after)
		require.Contains(t, after, `"data":3`)
		p.end(l, reset(false))
		for _, r := range rs {
			require.True(t, outcome(t, r.Wait(context.Background())).Sent)
		}
	})
}

func TestAtLeastOnceLeavesAgain(t *testing.T) {
	steady(t, nil, func(c *Client, p *pipe) {
		r, err := c.Send(context.Background(), Draft{Channel: "/a", Data: 1, AtLeastOnce: true})
		require.NoError(t, err)
		l := exchange()
		p.draw(transport.LaneCommands, l)
		p.end(l, reset(false))
		time.Sleep(maxFirstPause)
		l = exchange()
		b := p.draw(transport.LaneCommands, l)
		p.say(l, batch(reply("/a", idOf(t, b, "/a"))))
		require.NoError(t, r.Wait(context.Background()))
	})
}

func TestPublishWhoseContextEndedBeforeItLeftNeverLeaves(t *testing.T) {
	steady(t, nil, func(c *Client, p *pipe) {
		err := c.Publish(within(time.Second), "/a", 1)
		require.False(t, outcome(t, err).Sent)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Empty(t, p.draw(transport.LaneCommands, exchange()))

		done := make(chan error, 1)
		go func() { done <- c.Publish(within(time.Second), "/a", 1) }()
		require.NotEmpty(t, p.draw(transport.LaneCommands, exchange()))
		require.True(t, outcome(t, <-done).Sent)
	})
}

func TestServersWordIsTheOutcome(t *testing.T) {
	steady(t, nil, func(c *Client, p *pipe) {
		for _, row := range []struct {
			answer string
			is     error
		}{
			{`{"channel":"/a","id":%q,"successful":false,"error":"403:denied_by_security_policy:publish_denied"}`, bayeux.ErrForbidden},
			{`{"channel":"/a","id":%q,"successful":true}`, nil},
		} {
			done := make(chan error, 1)
			go func() { done <- c.Publish(context.Background(), "/a", 1) }()
			l := exchange()
			b := p.draw(transport.LaneCommands, l)
			p.say(l, batch(fmt.Sprintf(row.answer, idOf(t, b, "/a"))))
			require.ErrorIs(t, <-done, row.is)
		}
		// Neither another channel's reply nor an event with the id is an answer.
		done := make(chan error, 1)
		go func() { done <- c.Publish(context.Background(), "/a", 1) }()
		l := exchange()
		id := idOf(t, p.draw(transport.LaneCommands, l), "/a")
		p.say(l, batch(reply("/b", id), `{"channel":"/a","id":"`+id+`","data":1}`))
		require.True(t, outcome(t, <-done).Sent)
	})
}

func TestLateCommandOnASocketSettlesAlone(t *testing.T) {
	steady(t, nil, func(c *Client, p *pipe) {
		l := socket()
		done := make(chan error, 1)
		go func() { done <- c.Publish(context.Background(), "/a", 1) }()
		p.draw(transport.LaneCommands, l)
		err := <-done
		require.ErrorIs(t, err, ErrNoReply)
		require.NoError(t, p.cutOf(l.ID))

		e := exchange()
		go func() { done <- c.Publish(context.Background(), "/a", 1) }()
		p.draw(transport.LaneCommands, e)
		time.Sleep(10 * time.Second)
		require.ErrorIs(t, p.cutOf(e.ID), ErrNoReply, "late on an exchange means to cut it")
		p.end(e, &transport.Error{Op: "cut", Err: ErrNoReply})
		require.ErrorIs(t, <-done, ErrNoReply)
	})
}

func TestRemoteCall(t *testing.T) {
	result, ack := `{"data":{"q":1},"channel":"/service/rpc","id":%[1]q,"successful":true}`, `{"channel":"/service/rpc","id":%[1]q,"successful":true}`
	refused := `{"channel":"/service/rpc","id":%[1]q,"successful":false,"error":"404::no such method"}`
	for _, answers := range [][]string{{result, ack}, {ack, result}, {refused}, {ack, refused}} {
		steady(t, nil, func(c *Client, p *pipe) {
			done := make(chan error, 1)
			var got bayeux.Message
			go func() {
				m, err := c.Call(context.Background(), "rpc", map[string]int{"q": 1})
				got = m
				done <- err
			}()
			l := exchange()
			id := idOf(t, p.draw(transport.LaneCommands, l), "/service/rpc")
			p.say(l, batch(strings.Split(fmt.Sprintf(strings.Join(answers, "\n"), id), "\n")...))
			err := <-done
			if answers[len(answers)-1] == refused {
				require.ErrorIs(t, err, bayeux.ErrMalformed)
				return
			}
			require.NoError(t, err)
			require.JSONEq(t, `{"q":1}`, string(got.Data))
		})
	}
}

// TestRemoteCallAnsweredByTheOtherLane: CometD may put the reply with the data
// into the response of the connect that is held.
func TestRemoteCallAnsweredByTheOtherLane(t *testing.T) {
	bubble(t, nil, acked, func(c *Client, p *pipe) {
		time.Sleep(firstConnectDelay)
		held := exchange()
		connect := p.hold(held)
		done := make(chan error, 1)
		go func() {
			_, err := c.Call(context.Background(), "rpc", 1)
			done <- err
		}()
		l := exchange()
		id := idOf(t, p.draw(transport.LaneCommands, l), "/service/rpc")
		p.say(l, batch(reply("/service/rpc", id)))
		synctest.Wait()
		require.Empty(t, done)
		p.say(held, batch(reply("/service/rpc", id, `"data":2`), reply(bayeux.MetaConnect, connect)))
		require.NoError(t, <-done)
	})
}

// TestWhatMayHaveArrivedIsNeverCalledNotTaken: a message left and its leg died;
// whatever becomes of the tries after that, it may have arrived.
func TestWhatMayHaveArrivedIsNeverCalledNotTaken(t *testing.T) {
	refusal := `[{"channel":"/a","id":%q,"successful":false,"error":"403:no:publish_denied"}]`
	for name, row := range map[string]struct {
		later func(t *testing.T, c *Client, p *pipe)
		cause error
	}{
		"Close":      {func(t *testing.T, c *Client, _ *pipe) { require.NoError(t, c.Close()) }, ErrClosed},
		"Disconnect": {func(_ *testing.T, c *Client, _ *pipe) { _ = c.Disconnect(within(time.Second)) }, ErrClosed},
		"Drain":      {func(_ *testing.T, c *Client, _ *pipe) { _ = c.dialer.Drain(within(time.Second)) }, ErrClosed},
		"a refusal": {func(t *testing.T, _ *Client, p *pipe) {
			l := exchange()
			p.say(l, fmt.Sprintf(refusal, idOf(t, p.draw(transport.LaneCommands, l), "/a")))
		}, bayeux.ErrForbidden},
		"its size": {func(t *testing.T, _ *Client, p *pipe) {
			for range 2 {
				l := exchange()
				id := idOf(t, p.draw(transport.LaneCommands, l), "/a")
				p.end(l, &transport.Error{Op: "status", Status: 413, TooLarge: []string{id}, Err: errors.New("too large")})
				time.Sleep(time.Second)
			}
		}, nil},
		"not reached, and Close": {func(t *testing.T, c *Client, p *pipe) {
			l := exchange()
			p.draw(transport.LaneCommands, l)
			p.end(l, reset(true))
			require.NoError(t, c.Close())
		}, ErrClosed},
		"unknown sessions": {func(t *testing.T, _ *Client, p *pipe) {
			for n := range 3 {
				l := exchange()
				b := p.draw(transport.LaneCommands, l)
				if b == "" {
					return
				}
				p.say(l, fmt.Sprintf(`[{"channel":"/a","id":%q,"successful":false,"error":"402::session_unknown"}]`, idOf(t, b, "/a")))
				time.Sleep(time.Second)
				p.grant(fmt.Sprint("d", n), acked)
			}
		}, bayeux.ErrUnknownSession},
	} {
		t.Run(name, func(t *testing.T) {
			steady(t, nil, func(c *Client, p *pipe) {
				p.t = t
				r, err := c.Send(context.Background(), Draft{Channel: "/a", Data: 1, AtLeastOnce: true})
				require.NoError(t, err)
				l := exchange()
				p.draw(transport.LaneCommands, l)
				p.end(l, reset(false))
				time.Sleep(maxFirstPause)
				row.later(t, c, p)
				err = r.Wait(within(time.Minute))
				require.True(t, outcome(t, err).Sent, "%v", err)
				if row.cause != nil {
					require.ErrorIs(t, err, row.cause)
				}
			})
		})
	}
}

// TestPublishWhoseCallerHasGoneLeavesNoMore: the caller was told that the outcome
// is unknown, and does not expect it to be published in an hour.
func TestPublishWhoseCallerHasGoneLeavesNoMore(t *testing.T) {
	steady(t, nil, func(c *Client, p *pipe) {
		done := make(chan error, 1)
		go func() { done <- c.Publish(within(time.Second), "/a", 1) }()
		l := exchange()
		require.NotEmpty(t, p.draw(transport.LaneCommands, l))
		require.True(t, outcome(t, <-done).Sent)
		p.end(l, reset(true))
		time.Sleep(time.Minute)
		require.Empty(t, p.draw(transport.LaneCommands, exchange()))
	})
}

// TestFlushTellsWhatWasSettledBefore: each refusal of what was sent since the last
// Flush is told once, whenever it came.
func TestFlushTellsWhatWasSettledBefore(t *testing.T) {
	steady(t, nil, func(c *Client, p *pipe) {
		send := func(ch bayeux.Channel, answer string) {
			_, err := c.Send(context.Background(), Draft{Channel: ch, Data: 1})
			require.NoError(t, err)
			l := exchange()
			p.say(l, fmt.Sprintf(answer, ch, idOf(t, p.draw(transport.LaneCommands, l), ch)))
		}
		good, bad := `[{"channel":%q,"id":%q,"successful":true}]`, `[{"channel":%q,"id":%q,"successful":false,"error":"403:no:publish_denied"}]`
		flushed := func(ch bayeux.Channel) {
			t.Helper()
			err := c.Flush(within(time.Second))
			if ch == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, bayeux.ErrForbidden)
			var op *OpError
			require.ErrorAs(t, err, &op)
			require.Equal(t, ch, op.Channel)
		}
		send("/a", bad)
		send("/b", good)
		send("/c", bad)
		flushed("/a")
		flushed("")
		send("/d", good)
		flushed("")

		// A Flush whose time is up has told nothing.
		send("/e", bad)
		_, err := c.Send(context.Background(), Draft{Channel: "/f", Data: 1})
		require.NoError(t, err)
		require.ErrorIs(t, c.Flush(within(time.Second)), context.DeadlineExceeded)
		l := exchange()
		p.say(l, fmt.Sprintf(bad, "/f", idOf(t, p.draw(transport.LaneCommands, l), "/f")))
		flushed("/e")
		flushed("")

		// What came for a message that was sent after Flush was called is the next one's.
		_, err = c.Send(context.Background(), Draft{Channel: "/g", Data: 1})
		require.NoError(t, err)
		l = exchange()
		id := idOf(t, p.draw(transport.LaneCommands, l), "/g")
		done := make(chan error, 1)
		go func() { done <- c.Flush(context.Background()) }()
		synctest.Wait()
		send("/h", bad)
		p.say(l, fmt.Sprintf(good, "/g", id))
		require.NoError(t, <-done)
		flushed("/h")

		// Who waits for an outcome by itself has been told.
		go func() { done <- c.Publish(context.Background(), "/i", 1) }()
		l = exchange()
		p.say(l, fmt.Sprintf(bad, "/i", idOf(t, p.draw(transport.LaneCommands, l), "/i")))
		require.ErrorIs(t, <-done, bayeux.ErrForbidden)
		flushed("")
	})
}
