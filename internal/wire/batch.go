package wire

import "github.com/turold/turold/bayeux"

// MinBatch is the smallest bound that a batch is put under, in bytes: a server that
// refuses less does not refuse it for its size.
const MinBatch = 512

// A BatchLimit is how many bytes a pipe puts into one batch. The pipe's lock guards it.
type BatchLimit int

// Lower halves the limit after a batch of n bytes was refused for its size.
func (l *BatchLimit) Lower(n int) { *l = max(min(*l, BatchLimit(n))/2, MinBatch) }

// IDs returns the ids of a batch.
func IDs(batch []bayeux.Message) []string {
	ids := make([]string, len(batch))
	for i := range batch {
		ids[i] = batch[i].ID
	}
	return ids
}
