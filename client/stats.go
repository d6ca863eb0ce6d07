package client

// Stats counts what the sessions of a Dialer did since it was made.
type Stats struct {
	Sessions   int    // how many are open now
	Handshakes uint64 // how many handshakes succeeded
	Delayed    uint64 // how many handshakes waited for their turn (HandshakeRate)
	Failures   uint64 // how many pauses were made after something failed
	Delivered  uint64 // how many events matched a subscription
}

// Stats is a snapshot of the counters.
func (d *Dialer) Stats() Stats {
	s := &d.shared
	s.mu.Lock()
	n := len(s.clients)
	s.mu.Unlock()
	return Stats{Sessions: n, Handshakes: s.handshakes.Load(), Delayed: s.delayed.Load(), Failures: s.failures.Load(), Delivered: s.delivered.Load()}
}
