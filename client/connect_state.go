package client

import (
	"time"

	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

const (
	firstConnectDelay = 50 * time.Millisecond  // is how long the first connect waits for a command to leave with
	unadvisedHold     = 110 * time.Second      // is the hold of servers that advise none: Salesforce's
	quickReplyTime    = 100 * time.Millisecond // is how soon an empty reply comes that was not held
	quickRepliesFree  = 3                      // is how many quick empty replies in a row cost no pause
	uselessPeriod     = 10 * time.Second       // is how long replies to connects may be useless: another transport may bring usable ones
	maxUselessReplies = 3                      // is how many of them come in a row before a new session begins
)

// A connectState is what is known of the one /meta/connect that may be out, and
// when the next may leave. It decides by the instants that its methods are given.
type connectState struct {
	id       string
	leg      transport.LegID // zero: none is out
	sentAt   mono.Time
	hold     time.Duration // that was asked for
	deadline mono.Time     // of the reply, while it is out
	attempt  attempt

	dueAt         mono.Time // is when the next is ready; zero: something else makes it ready
	ready         bool      // the next may leave
	noHold        bool      // the next asks for no hold, because the last got no reply
	awaitsCommand bool      // the first may leave with a command
	withCommands  bool      // the one that is out left with commands
	gotEvents     bool      // events came since it left
	holdObeyed    bool      // the server answered within the hold that was asked for

	gotReadable    bool      // a message that can be read came since the first useless reply
	uselessReplies uint8     // in a row, up to maxUselessReplies; one more: and a command of no effect was sent
	uselessSince   mono.Time // is when the first of them came
	quickReplies   int       // in a row, and empty
}

// firstConnect is the state when a session begins.
func firstConnect(now mono.Time) connectState {
	return connectState{awaitsCommand: true, noHold: true, dueAt: now.Add(firstConnectDelay)}
}

// mayLeave reports whether a connect may leave on a leg, and whether it takes over from
// one that is out on another: the transport that opened the leg wants the connect there.
func (cs *connectState) mayLeave(id transport.LegID) (may, takesOver bool) {
	if cs.leg == 0 {
		return cs.ready, false
	}
	takesOver = cs.leg != id && !cs.withCommands
	return takesOver, takesOver
}

// holdOf returns the hold to ask for, on a leg that bears one of longest; advised is the
// server's own, nil: it advises none. A connect that takes over asks for no hold where
// events are acknowledged.
func (cs *connectState) holdOf(longest time.Duration, advised *time.Duration, takesOver, ack bool) time.Duration {
	switch {
	case cs.noHold && !takesOver, takesOver && ack:
		return 0
	case advised != nil:
		return min(longest, *advised)
	}
	return longest
}

// onSent notes that a connect leaves. Its reply is due delay after the hold: after the
// server's own, if that is longer, until the server has shown that it obeys ours.
func (cs *connectState) onSent(id string, leg transport.LegID, hold time.Duration, advised *time.Duration, withCommands bool, now mono.Time, delay time.Duration) {
	longest := hold
	if hold > 0 && !cs.holdObeyed {
		longest = max(hold, unadvisedHold)
		if advised != nil {
			longest = max(hold, *advised)
		}
	}
	cs.id, cs.leg, cs.sentAt, cs.hold = id, leg, now, hold
	cs.deadline = now.Add(longest).Add(delay)
	cs.dueAt, cs.ready, cs.awaitsCommand, cs.withCommands, cs.noHold, cs.gotEvents = mono.Time{}, false, false, withCommands, true, false
}

// onReply notes that the reply came. It returns how long it took, and whether it came
// without events.
func (cs *connectState) onReply(now mono.Time) (took time.Duration, empty bool) {
	cs.leg, cs.id, cs.deadline, cs.ready = 0, "", mono.Time{}, true
	return now.Sub(cs.sentAt), !cs.gotEvents
}

// onGranted notes that the reply said yes, and makes the next connect due after the
// advised pause. A server that answers at once with nothing, time and again, is asked
// less and less often.
func (cs *connectState) onGranted(now mono.Time, took time.Duration, empty bool, pause, delay time.Duration) {
	cs.noHold, cs.uselessReplies = false, 0
	cs.holdObeyed = cs.holdObeyed || empty && cs.hold > 0 && took-cs.hold <= delay
	if empty && cs.hold > quickReplyTime && took < quickReplyTime && pause == 0 {
		if cs.quickReplies++; cs.quickReplies > quickRepliesFree {
			pause = min(maxFirstPause<<min(cs.quickReplies-quickRepliesFree-1, 6), maxEarlyPause)
		}
	} else {
		cs.quickReplies = 0
	}
	if pause > 0 {
		cs.ready, cs.dueAt = false, now.Add(pause)
	}
}

// onUselessReply counts a reply that came and could not be used. It reports whether a
// new session is due, and whether the server is to be asked something of no effect first,
// which it is once, and only if idle: without another command nothing readable may come.
func (cs *connectState) onUselessReply(now mono.Time, idle bool) (renew, probe bool) {
	if cs.uselessReplies == 0 {
		cs.uselessSince, cs.gotReadable = now, false
	}
	cs.uselessReplies = max(cs.uselessReplies, min(cs.uselessReplies+1, maxUselessReplies))
	if cs.uselessReplies < maxUselessReplies || now.Sub(cs.uselessSince) < uselessPeriod {
		return false, false
	}
	if !cs.gotReadable && cs.uselessReplies == maxUselessReplies && idle {
		cs.uselessReplies++
		probe = true
	}
	return cs.gotReadable, probe
}

// onLost notes that the connect that was out gets no reply.
func (cs *connectState) onLost() {
	cs.leg, cs.id, cs.deadline = 0, "", mono.Time{}
	cs.ready, cs.noHold = true, true
}

// onDue makes the next connect ready, because its time has come.
func (cs *connectState) onDue() { cs.ready, cs.awaitsCommand = true, false }

// onCommandsSent makes the first connect ready, because commands leave that it may
// leave with; it reports whether it did.
func (cs *connectState) onCommandsSent() bool {
	if cs.awaitsCommand {
		cs.ready, cs.noHold = true, true
	}
	return cs.awaitsCommand
}

// askSoon makes the next connect ready, unless one is out, and has it ask for no hold.
func (cs *connectState) askSoon() {
	if cs.leg == 0 {
		cs.ready, cs.noHold, cs.dueAt = true, true, mono.Time{}
	}
}

// hasten moves the deadline of the connect that is out ahead.
func (cs *connectState) hasten(deadline mono.Time) {
	if cs.leg != 0 && deadline.Before(cs.deadline) {
		cs.deadline = deadline
	}
}
