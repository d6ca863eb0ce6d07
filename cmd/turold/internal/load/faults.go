package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
	"github.com/turold/turold/transport"
)

// A Fault counts the failures of one class.
type Fault struct {
	Stage string `json:"stage"` // dial, subscribe, publish, connection or subscription
	Class string `json:"class"`
	Count int    `json:"count"`
}

// faults counts failures by class. It keeps the first error of each stage.
type faults struct {
	mu    sync.Mutex
	count map[Fault]int // Count is zero in the keys
	first map[string]error
}

func (f *faults) add(stage string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.count == nil {
		f.count, f.first = map[Fault]int{}, map[string]error{}
	}
	f.count[Fault{Stage: stage, Class: class(err)}]++
	if f.first[stage] == nil {
		f.first[stage] = err
	}
}

// of is the first error of the first of these stages that has any, or nil.
func (f *faults) of(stages ...string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range stages {
		if err := f.first[s]; err != nil {
			return err
		}
	}
	return nil
}

// list is sorted by stage, the most frequent first.
func (f *faults) list() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]Fault, 0, len(f.count))
	for key, n := range f.count {
		key.Count = n
		all = append(all, key)
	}
	slices.SortFunc(all, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Stage, b.Stage), cmp.Compare(b.Count, a.Count), cmp.Compare(a.Class, b.Class))
	})
	return all
}

// total is how many failures there were.
func (f *faults) total() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.count {
		n += c
	}
	return n
}

// class sorts an error. There are few classes: nothing that differs from one
// session to the next takes part in them.
func class(err error) string {
	var outcome *client.OutcomeError
	if errors.As(err, &outcome) {
		word := "never sent: "
		if outcome.Sent {
			word = "unknown outcome: "
		}
		return word + cause(outcome.Err)
	}
	return cause(err)
}

func cause(err error) string {
	var refused *bayeux.Error
	var failed *transport.Error
	switch {
	case errors.As(err, &refused):
		return fmt.Sprintf("refused %d: %s", refused.Code, refused.Kind)
	case errors.As(err, &failed) && failed.Status != 0:
		return fmt.Sprintf("transport %s %d", failed.Op, failed.Status)
	case errors.As(err, &failed):
		return "transport " + failed.Op
	case errors.Is(err, client.ErrNoReply), errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, client.ErrServerEnded):
		return "sent away"
	case errors.Is(err, client.ErrClosed):
		return "closed"
	}
	return "other"
}
