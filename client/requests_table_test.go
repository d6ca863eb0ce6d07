package client

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

const replyDelay = 10 * time.Second

// A requestsStory is what happens to the requests for one channel.
type requestsStory struct {
	*testing.T
	outbox
	now mono.Time
	ops []*op
}

// ask queues a request.
func (s *requestsStory) ask(ch bayeux.Channel) (replaced *op) {
	p, replaced := s.request("/a", bayeux.Message{Channel: ch})
	s.ops = append(s.ops, p)
	return replaced
}

// leave has all that waits leave on a leg.
func (s *requestsStory) leave(id transport.LegID) {
	s.now = s.now.Add(time.Millisecond)
	sent(&s.outbox, id, s.now)
}

// reply has the server answer the n-th request on the leg, and settles it.
func (s *requestsStory) reply(n int, id transport.LegID, granted bool) {
	s.now = s.now.Add(time.Millisecond)
	p := s.ops[n]
	m := &bayeux.Message{Channel: p.message.Channel, ID: p.message.ID}
	require.Equal(s, p, s.onRequestReply(id, "/a", p, m, granted, s.now, replyDelay))
	s.settle(n)
}

func (s *requestsStory) settle(n int) {
	p := s.ops[n]
	s.onSettled(p, nil)
	s.onRequestSettled(p)
	s.unqueue(p)
	close(p.done)
}

// end ends a leg.
func (s *requestsStory) end(id transport.LegID, err *transport.Error) []*op {
	s.now = s.now.Add(time.Millisecond)
	lost, _ := s.onLegEnd(id, err, s.now, unknownTopics)
	return lost
}

var errGone = &transport.Error{Op: "read", Err: errors.New("reset")}

// TestRequestsTable: whether the server is to be asked again after a story, when the
// application wants the channel and when it does not.
func TestRequestsTable(t *testing.T) {
	const subscribe, unsubscribe = bayeux.MetaSubscribe, bayeux.MetaUnsubscribe
	for name, row := range map[string]struct {
		story         func(s *requestsStory)
		wanted        bool
		again, undone bool
		kept          bool // something is still known of the channel
	}{
		"nothing was asked": {func(*requestsStory) {}, true, false, false, false},
		"a subscribe is granted": {func(s *requestsStory) {
			s.ask(subscribe)
			s.leave(1)
			s.reply(0, 1, true)
		}, true, false, false, false},
		"the newest is under way": {func(s *requestsStory) {
			s.ask(subscribe)
			s.leave(1)
		}, true, false, false, true},
		"the leg of an unsubscribe died, and a subscribe is granted on another": {func(s *requestsStory) {
			s.ask(unsubscribe)
			s.leave(1)
			s.end(1, errGone)
			require.Equal(s, s.ops[0], s.ask(subscribe), "what replaces a request that may have arrived takes its place")
			s.leave(2)
			s.reply(1, 2, true)
		}, true, false, true, true},
		"once more when the old one has arrived or never will": {func(s *requestsStory) {
			s.ask(unsubscribe)
			s.leave(1)
			s.end(1, errGone)
			s.ask(subscribe)
			s.leave(2)
			s.reply(1, 2, true)
			s.now = s.now.Add(replyDelay)
		}, true, true, true, true},
		"not once more for what asked for the same": {func(s *requestsStory) {
			s.ask(unsubscribe)
			s.leave(1)
			s.end(1, errGone)
			s.ask(subscribe)
			s.leave(2)
			s.reply(1, 2, true)
			s.now = s.now.Add(replyDelay)
		}, false, false, false, false},
		"both on one leg: the later answer settles both": {func(s *requestsStory) {
			s.ask(unsubscribe)
			s.leave(1)
			s.ask(subscribe)
			s.leave(1)
			s.reply(1, 1, true)
		}, true, false, false, false},
		"it never left": {func(s *requestsStory) {
			s.ask(subscribe)
			s.leave(1)
			s.end(1, &transport.Error{Op: "dial", Unsent: true, Err: errors.New("refused")})
			require.Len(s, s.queue, 1)
			s.abandonSubscribe("/a")
			require.Empty(s, s.queue)
		}, false, false, false, false},
		"one that nothing followed, on a leg that died, is asked anew": {func(s *requestsStory) {
			s.ask(subscribe)
			s.leave(1)
			s.end(1, errGone)
			s.settle(0)
		}, false, true, true, true},
		"the session is over": {func(s *requestsStory) {
			s.ask(unsubscribe)
			s.leave(1)
			needless, again := s.onSessionOver()
			require.Equal(s, s.ops, needless)
			require.Empty(s, again)
			s.settle(0)
		}, false, false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := &requestsStory{T: t, now: mono.Now()}
			row.story(s)
			again, undone := s.review("/a", row.wanted, s.now)
			require.Equal(t, row.again, again)
			require.Equal(t, row.undone, undone)
			require.Equal(t, row.kept, s.requests["/a"] != nil)
		})
	}
}

// TestRequestsOfANewSession: the newest subscribe leaves again, and nothing else does.
func TestRequestsOfANewSession(t *testing.T) {
	s := &requestsStory{T: t, now: mono.Now()}
	s.ask(bayeux.MetaSubscribe)
	s.leave(1)
	s.ask(bayeux.MetaUnsubscribe)
	s.leave(1)
	s.ask(bayeux.MetaSubscribe)
	s.leave(1)
	s.ops[2].mayHaveArrived, s.ops[2].mayHaveGap = true, true
	needless, again := s.onSessionOver()
	require.ElementsMatch(t, s.ops[:2], needless)
	require.Equal(t, s.ops[2:], again)
	require.False(t, again[0].mayHaveArrived)
	require.False(t, again[0].mayHaveGap)
}

// TestOnlyTheNewestRequestLeavesAgain: an older one would undo it.
func TestOnlyTheNewestRequestLeavesAgain(t *testing.T) {
	s := &requestsStory{T: t, now: mono.Now()}
	s.ask(bayeux.MetaSubscribe)
	s.leave(1)
	s.ask(bayeux.MetaUnsubscribe)
	s.leave(1)
	require.Equal(t, s.ops[:1], s.end(1, errGone))
	require.Equal(t, s.ops[1:], s.queue)
}
