package longpoll

const (
	// minLimit is the smallest bound a batch is put under: what refuses less
	// does not refuse it for its size.
	minLimit = 512
	// hidden is the size from which a broken upload counts as a refused one. A
	// server that answers 413 and closes resets what still comes, and the reset
	// overtakes the answer; smaller bodies fit into the buffers on the way.
	hidden = 64 << 10
)

func (p *pipe) batchLimit() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.limit
}

// tooLarge learns that a body of n bytes was refused for its size.
func (p *pipe) tooLarge(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limit = max(min(p.limit, n)/2, minLimit)
}
