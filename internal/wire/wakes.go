package wire

// Wakes connects the wake-ups of a pipe with the one goroutine that draws: a wake-up
// starts it, and it ends in the same instant in which it finds no further one, so
// that none is lost. The pipe's lock guards it. The zero value is ready.
type Wakes struct{ pending, running bool }

// Add takes note of a wake-up.
func (w *Wakes) Add() { w.pending = true }

// Start reports whether the caller must start the goroutine now: a wake-up is pending
// and no goroutine runs.
func (w *Wakes) Start() bool {
	if !w.pending || w.running {
		return false
	}
	w.running = true
	return true
}

// Take takes the pending wake-ups and reports whether the goroutine goes on: there was
// one, and the pipe is open. Otherwise the goroutine must end.
func (w *Wakes) Take(open bool) bool {
	w.running = w.pending && open
	w.pending = false
	return w.running
}
