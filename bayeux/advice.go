package bayeux

import (
	"maps"
	"slices"
	"time"
)

// Reconnect is what a server advises to do after a reply (Bayeux section 4.2).
type Reconnect string

// The three values of advice.reconnect; empty or any other value advises nothing.
const (
	ReconnectRetry     Reconnect = "retry"     // connect again after the interval
	ReconnectHandshake Reconnect = "handshake" // begin a new session
	ReconnectNone      Reconnect = "none"      // do neither: the server wants the client gone
)

// MaxAdvised is the longest duration that is taken from a server's advice;
// longer ones are cut to it and negative ones to zero.
const MaxAdvised = 24 * time.Hour

// The bounds of one advice, however often it is merged: there are about five
// connectionTypes in the world, and a list of hosts is reported and not followed.
const (
	maxSections    = 16
	maxSectionName = 64
	maxHosts       = 32
	maxHost        = 264 // bytes of its JSON
	// maxAdvicePerBatch bounds the messages of one batch that have an advice: a client
	// that sends that many at once is not known.
	maxAdvicePerBatch = 1024
)

// Advice is a server's advice, or a client's wishes on a connect. A nil field
// was not sent: it leaves standing what was advised before, see Merge.
type Advice struct {
	Reconnect       Reconnect
	Interval        *time.Duration // pause between a connect's reply and the next connect; milliseconds on the wire
	Timeout         *time.Duration // how long a connect may be held
	MaxInterval     *time.Duration // how long the session lives without a connect
	MultipleClients *bool          // "multiple-clients": the browser's cookie is shared by several sessions
	Hosts           []string       // told, never followed by this module; 32 at most
	Sections        map[string]Advice
	// Sections are the transport-named parts ("long-polling": {…}) that hold
	// for one connectionType only, see For. They have no sections of their own,
	// and of what a server sends 16 are kept at most.
}

// Merge returns a with each field that later carries in its place, and
// sections merged one by one. Neither is changed.
func (a Advice) Merge(later Advice) Advice {
	if later.Reconnect != "" {
		a.Reconnect = later.Reconnect
	}
	a.Interval = lastSet(a.Interval, later.Interval)
	a.Timeout = lastSet(a.Timeout, later.Timeout)
	a.MaxInterval = lastSet(a.MaxInterval, later.MaxInterval)
	a.MultipleClients = lastSet(a.MultipleClients, later.MultipleClients)
	if later.Hosts != nil {
		a.Hosts = later.Hosts
	}
	if len(later.Sections) > 0 {
		a.Sections = maps.Clone(a.Sections)
		for _, name := range slices.Sorted(maps.Keys(later.Sections)) {
			a.setSection(name, a.Sections[name].Merge(later.Sections[name]))
		}
	}
	return a
}

// setSection puts a section in its place, or drops a new one past the bound.
func (a *Advice) setSection(name string, s Advice) {
	if a.Sections == nil {
		a.Sections = map[string]Advice{}
	}
	if _, known := a.Sections[name]; known || len(a.Sections) < maxSections {
		a.Sections[name] = s
	}
}

// empty reports whether a says nothing.
func (a *Advice) empty() bool {
	return a.Reconnect == "" && a.Interval == nil && a.Timeout == nil && a.MaxInterval == nil &&
		a.MultipleClients == nil && a.Hosts == nil && a.Sections == nil
}

func lastSet[T any](old, later *T) *T {
	if later != nil {
		return later
	}
	return old
}

// For returns what holds on one connectionType: the advice with that type's
// section merged over it.
func (a Advice) For(connectionType string) Advice {
	s, ok := a.Sections[connectionType]
	a.Sections = nil
	if ok {
		return a.Merge(s)
	}
	return a
}

// Millis returns a pointer to d in whole milliseconds, cut to the range that
// advice may carry (zero to MaxAdvised), for the fields of Advice.
func Millis(d time.Duration) *time.Duration {
	d = min(max(d, 0), MaxAdvised).Truncate(time.Millisecond)
	return &d
}
