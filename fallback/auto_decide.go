package fallback

import (
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// announce makes a Decision if the transport is another than before.
func (a *auto) announce(fx *effects, now mono.Moment, to string, reason Reason, evidence error) {
	if a.told.transport == to {
		return
	}
	switch {
	case a.told.transport == "" && to == transport.LongPolling && a.told.staying.reason != "": // it was found out before
		reason, evidence = a.told.staying.reason, a.told.staying.err
	case a.told.transport == "":
		reason, evidence = ReasonFirst, nil
	}
	d := Decision{Transport: to, From: a.told.transport, To: to, Reason: reason, Err: evidence}
	if to == transport.LongPolling {
		d.Next = now.Clock(a.next.at)
	}
	fx.decisions = append(fx.decisions, d)
	a.told.transport = to
	if a.told.staying.untold && reason != a.told.staying.reason && to == transport.LongPolling {
		a.announceStaying(fx, now, a.told.staying.reason, a.told.staying.err, true)
	}
	a.told.staying.untold = false
}

// announceStaying makes a Decision of why there is no socket, once for each reason while
// it lasts, and each time that this session has tried.
func (a *auto) announceStaying(fx *effects, now mono.Moment, reason Reason, evidence error, tried bool) {
	if !tried && a.told.staying.reason == reason {
		return
	}
	due := a.told.transport != transport.LongPolling
	if a.told.staying = (staying{reason, evidence, due}); due {
		return // when HTTP has answered
	}
	fx.decisions = append(fx.decisions, Decision{Transport: a.told.transport, From: a.told.transport, To: a.told.transport, Reason: reason, Err: evidence, Next: now.Clock(a.next.at)})
}
