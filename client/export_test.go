package client

import (
	"cmp"
	"time"

	"github.com/turold/turold/bayeux"
)

// SetWall puts another wall clock in the place of the machine's.
func (d *Dialer) SetWall(now func() time.Time) {
	d.shared.mu.Lock()
	defer d.shared.mu.Unlock()
	d.shared.watch.now = now
}

// Flat returns the message of an item, or the gap in its place as the error.
func Flat(item Item[bayeux.Message], err error) (bayeux.Message, error) {
	m, _ := item.Value()
	return m, cmp.Or(err, item.Problem())
}
