package client

import "time"

// SetWall puts another wall clock in the place of the machine's.
func (d *Dialer) SetWall(now func() time.Time) {
	d.shared.mu.Lock()
	defer d.shared.mu.Unlock()
	d.shared.watch.now = now
}
