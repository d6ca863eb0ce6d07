package fallback

import "github.com/turold/turold/internal/mono"

// transportOf is the connectionType of the legs of a pipe.
func (a *auto) transportOf(p pipe) string {
	if p == socketPipe {
		return a.ws.transport
	}
	return a.http.transport
}

// announce makes a Decision if the session is on another pipe than the last one
// said.
func (a *auto) announce(fx *effects, now mono.Moment, to pipe, reason Reason, cause error) {
	if a.told.isOn(to) {
		return
	}
	staying := a.told.staying
	switch {
	case a.told.transport == "" && to == httpPipe && staying.reason != "": // it was found out before
		reason, cause = staying.reason, staying.err
	case a.told.transport == "":
		reason, cause = ReasonFirst, nil
	}
	name := a.transportOf(to)
	d := Decision{Transport: name, From: a.told.transport, To: name, Reason: reason, Err: cause}
	if to == httpPipe {
		d.Next = now.Clock(a.next.at)
	}
	fx.decisions = append(fx.decisions, d)
	a.told.transport, a.told.pipe = name, to
	if staying.untold && reason != staying.reason && to == httpPipe {
		a.announceStaying(fx, now, staying.reason, staying.err, true)
	}
	a.told.staying.untold = false
}

// announceStaying makes a Decision of why there is no socket, once for each
// reason while it lasts, and each time that this session has tried. Where HTTP
// has yet to answer, it is made then.
func (a *auto) announceStaying(fx *effects, now mono.Moment, reason Reason, cause error, tried bool) {
	if !tried && a.told.staying.reason == reason {
		return
	}
	untold := !a.told.isOn(httpPipe)
	if a.told.staying = (staying{reason, cause, untold}); untold {
		return
	}
	name := a.told.transport
	fx.decisions = append(fx.decisions, Decision{Transport: name, From: name, To: name, Reason: reason, Err: cause, Next: now.Clock(a.next.at)})
}
