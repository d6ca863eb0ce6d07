package longpoll

const (
	// suspectBody is the size, in bytes, from which a broken upload counts as a refused
	// one. A server that answers 413 and closes resets the connection for what still
	// comes, and the reset overtakes the answer; smaller bodies fit into the buffers on
	// the way.
	suspectBody = 64 << 10
)

func (p *pipe) batchLimit() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return int(p.limit)
}

// lowerLimit lowers the limit after a body of n bytes was refused for its size.
func (p *pipe) lowerLimit(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limit.Lower(n)
}
