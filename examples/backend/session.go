package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"sync"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
)

// A stream is what one device gets. It is closed when it is over.
type stream struct{ events chan event }

// An event is one of a stream: kind is empty for what the user is sent, gap
// where some may be missing, over when the session ended, bye when the service
// stops.
type event struct {
	kind string
	data []byte // JSON on one line
}

// follow is a user's session, from its beginning to its end.
func (us *users) follow(u *user) {
	subs, err := us.begin(u)
	u.err = err
	close(u.ready)
	if err == nil {
		var all sync.WaitGroup
		for _, sub := range subs {
			all.Go(func() {
				if err := us.pass(u, sub); !errors.Is(err, client.ErrDraining) { // each drains by itself
					u.end(err)
				}
			})
		}
		all.Wait()
		err = cmp.Or(context.Cause(u.ctx), client.ErrDraining)
	}
	us.over(u, err)
	if u.c != nil && !errors.Is(err, client.ErrClosed) { // one that drains says goodbye by itself
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = u.c.Disconnect(ctx) // if the server does not hear it, the session expires
	}
}

// begin dials as the user, and subscribes.
func (us *users) begin(u *user) (subs []*client.Subscription, err error) {
	ctx, cancel := context.WithTimeout(u.ctx, patience)
	defer cancel()
	c, err := us.dialer.Dial(ctx, us.server, &client.Options{
		Credentials: func(context.Context, *client.Credential) (*client.Credential, error) {
			return us.key.credential(u.name), nil
		},
		Outbox: client.Bound{Messages: userOutbox},
	})
	if err != nil {
		return nil, err
	}
	u.c = c
	for _, ch := range channels(u.name) {
		sub, err := c.Subscribe(ctx, ch, &client.SubscribeOptions{Queue: client.Bound{Messages: userQueue}})
		if err != nil {
			return nil, err
		}
		subs = append(subs, sub)
	}
	return subs, nil
}

// pass passes on what a subscription brings, and returns why it ended.
func (us *users) pass(u *user, sub *client.Subscription) error {
	for item, err := range sub.Messages(u.ctx) {
		if err != nil {
			return err
		}
		if m, ok := item.Value(); ok {
			us.counts.passed.Add(1)
			u.tell(us, event{data: encode(m.Channel, m.Data)})
		} else {
			us.counts.gaps.Add(1)
			u.tell(us, event{kind: "gap", data: encode(item.Channel(), nil)})
		}
	}
	return client.ErrUnsubscribed
}

// encode makes one line of JSON.
func encode(ch bayeux.Channel, data json.RawMessage) []byte {
	b, err := json.Marshal(struct {
		Channel bayeux.Channel  `json:"channel"`
		Data    json.RawMessage `json:"data,omitempty"`
	}{ch, data})
	if err != nil {
		panic(err) // what the client delivers is JSON
	}
	return b
}

// tell gives an event to each device, and waits for none: one that is too far
// behind is cut off, and comes back when it can.
func (u *user) tell(us *users, e event) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for st := range u.streams {
		select {
		case st.events <- e:
		default:
			us.counts.slow.Add(1)
			u.drop(us, st)
		}
	}
}

// over takes the user away, and tells the devices why.
func (us *users) over(u *user, why error) {
	us.mu.Lock()
	if us.all[u.name] == u {
		delete(us.all, u.name)
	}
	us.mu.Unlock()
	u.end(why)
	kind := "over"
	if errors.Is(why, client.ErrDraining) {
		kind = "bye"
	}
	u.tell(us, event{kind: kind, data: []byte("{}")})
	u.mu.Lock()
	defer u.mu.Unlock()
	u.idle.Stop()
	for st := range u.streams {
		u.drop(us, st)
	}
}
