package fallback

import (
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// tell makes a Decision if the transport is another than before.
func (r *race) tell(fx *effects, now mono.Moment, to, reason string, evidence error) {
	if r.carrier == to {
		return
	}
	switch {
	case r.carrier == "" && to == transport.LongPolling && r.stays.reason != "": // it was found out before
		reason, evidence = r.stays.reason, r.stays.err
	case r.carrier == "":
		reason, evidence = ReasonFirst, nil
	}
	d := Decision{Transport: to, From: r.carrier, To: to, Reason: reason, Err: evidence}
	if to == transport.LongPolling {
		d.Next = now.Clock(r.redial)
	}
	fx.told = append(fx.told, d)
	r.carrier = to
	if r.stays.due && reason != r.stays.reason && to == transport.LongPolling {
		r.stay(fx, now, r.stays.reason, r.stays.err, true)
	}
	r.stays.due = false
}

// stay makes a Decision of why there is no socket, once for each reason while
// it lasts, and each time that this session has tried.
func (r *race) stay(fx *effects, now mono.Moment, reason string, evidence error, tried bool) {
	if !tried && r.stays.reason == reason {
		return
	}
	due := r.carrier != transport.LongPolling
	if r.stays = (noSocket{reason, evidence, due}); due {
		return // when HTTP has answered
	}
	fx.told = append(fx.told, Decision{Transport: r.carrier, From: r.carrier, To: r.carrier, Reason: reason, Err: evidence, Next: now.Clock(r.redial)})
}
