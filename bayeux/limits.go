package bayeux

// Limits bound what one frame or body may be. Zero fields take the default;
// math.MaxInt is no limit.
type Limits struct {
	Bytes    int // of the whole, after any inflation; default 1 MiB (Salesforce needs 10)
	Messages int // in one batch; default 20,000, so that a server with 10,000 events to tell can add its replies
	Depth    int // of nested arrays and objects, the batch itself included; default 128, and never more than 10,000
}

// WithDefaults returns l with each zero field replaced by its default.
func (l Limits) WithDefaults() Limits {
	if l.Bytes == 0 {
		l.Bytes = 1 << 20
	}
	if l.Messages == 0 {
		l.Messages = 20_000
	}
	if l.Depth == 0 {
		l.Depth = 128
	}
	return l
}
