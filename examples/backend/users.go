package main

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
)

// limits bound what the service holds.
type limits struct {
	users   int           // sessions at once
	streams int           // of one user at once
	idle    time.Duration // how long a session is kept without a stream
}

const (
	streamQueue = 64               // events that may wait for a device; one that is further behind is cut off
	userQueue   = 256              // and for the service, of one user
	userOutbox  = 16               // messages of one user that were sent and not answered
	patience    = 10 * time.Second // for a session to begin, and for a publish
)

var (
	errFull = errors.New("too many users are connected")
	errIdle = errors.New("no page listens")
)

// users are those who are there: each has one session, begun with the first
// stream, and shed when there was none for a while.
type users struct {
	dialer  *client.Dialer
	server  string
	key     signer
	most    limits
	counts  counts
	follows sync.WaitGroup

	mu       sync.Mutex // taken before a user's
	all      map[string]*user
	draining bool
}

type counts struct{ passed, gaps, shed, slow, full atomic.Int64 }

// A user has a session and any number of streams.
type user struct {
	name  string
	ctx   context.Context // ends with the session
	end   context.CancelCauseFunc
	ready chan struct{} // closed when c or err is there
	c     *client.Client
	err   error

	mu      sync.Mutex
	streams map[*stream]struct{}
	idle    *time.Timer // runs while there is no stream
}

// open adds a stream for a user, and begins the session if there is none.
func (us *users) open(ctx context.Context, name string) (*user, *stream, error) {
	u, st, err := us.enter(name)
	if err != nil {
		return nil, nil, err
	}
	select {
	case <-u.ready:
		err = u.err
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		us.leave(u, st)
		return nil, nil, err
	}
	return u, st, nil
}

func (us *users) enter(name string) (*user, *stream, error) {
	us.mu.Lock()
	defer us.mu.Unlock()
	if us.draining {
		return nil, nil, client.ErrDraining
	}
	u := us.all[name]
	if u == nil {
		if len(us.all) >= us.most.users {
			us.counts.full.Add(1)
			return nil, nil, errFull
		}
		u = &user{name: name, ready: make(chan struct{}), streams: map[*stream]struct{}{}}
		u.ctx, u.end = context.WithCancelCause(context.Background())
		u.idle = time.AfterFunc(us.most.idle, func() { us.shed(u) })
		us.all[name] = u
		us.follows.Go(func() { us.follow(u) })
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.streams) >= us.most.streams {
		us.counts.full.Add(1)
		return nil, nil, errFull
	}
	st := &stream{events: make(chan event, streamQueue)}
	u.streams[st] = struct{}{}
	u.idle.Stop()
	return u, st, nil
}

// leave takes a stream away. The session stays for a while: a device that was
// out of reach comes back to it, and has missed nothing since it has no other.
func (us *users) leave(u *user, st *stream) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.drop(us, st)
}

// drop ends a stream, if it has not ended; called with the mutex held.
func (u *user) drop(us *users, st *stream) {
	if _, ok := u.streams[st]; !ok {
		return
	}
	delete(u.streams, st)
	close(st.events)
	if len(u.streams) == 0 && u.ctx.Err() == nil {
		u.idle.Reset(us.most.idle)
	}
}

// shed ends a session whose user has no stream open.
func (us *users) shed(u *user) {
	us.mu.Lock()
	defer us.mu.Unlock()
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.streams) > 0 || us.all[u.name] != u { // one came at the last moment
		return
	}
	delete(us.all, u.name)
	us.counts.shed.Add(1)
	u.end(errIdle)
}

// find returns a user's session, if there is one.
func (us *users) find(name string) *client.Client {
	us.mu.Lock()
	u := us.all[name]
	us.mu.Unlock()
	if u == nil {
		return nil
	}
	select {
	case <-u.ready:
		return u.c
	default:
		return nil
	}
}

// drain ends every session. Nobody comes in any more, and those who are there
// have been told what came for them, and that this is the end.
func (us *users) drain(ctx context.Context) error {
	us.mu.Lock()
	us.draining = true
	us.mu.Unlock()
	err := us.dialer.Drain(ctx)
	us.follows.Wait()
	return err
}

// drains reports whether the service takes no more users.
func (us *users) drains() bool {
	us.mu.Lock()
	defer us.mu.Unlock()
	return us.draining
}

// count returns how many users and streams there are.
func (us *users) count() (users, streams int) {
	us.mu.Lock()
	all := slices.Collect(maps.Values(us.all))
	us.mu.Unlock()
	for _, u := range all {
		u.mu.Lock()
		streams += len(u.streams)
		u.mu.Unlock()
	}
	return len(all), streams
}

// channels are what a user is subscribed to.
func channels(name string) []bayeux.Channel {
	return []bayeux.Channel{bayeux.Channel("/user/" + name), "/news"}
}
