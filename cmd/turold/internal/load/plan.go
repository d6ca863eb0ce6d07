package load

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
)

// A Plan is what a Test does. Only Prefix, Ramp and Warmup may be zero.
type Plan struct {
	URL     string
	Dialer  *client.Dialer  // the Test's own: it sets the Trace and closes it
	Options *client.Options // of each session

	Sessions      int
	Ramp          time.Duration  // over which the sessions begin
	Channels      int            // in all
	Subscriptions int            // of each session, to as many channels
	Publishers    int            // sessions that publish, each on one channel; capped to those there are
	Rate          float64        // messages a second, of all publishers together
	Batch         int            // messages that a publisher hands over at once
	Size          int            // bytes of a message's data, never less than the stamp needs
	Warmup        time.Duration  // of publishing that is not measured
	Duration      time.Duration  // of publishing that is
	Drain         time.Duration  // how long the last deliveries and answers are waited for, at most
	Prefix        bayeux.Channel // empty: /turold/load
}

// What a plan may ask for at most.
const (
	maxSessions = 1 << 20
	maxSize     = 1 << 20
	maxTotal    = 1 << 31 // messages
)

// Validate returns an error that names the first flag that makes no sense.
func (p *Plan) Validate() error {
	for _, n := range []struct {
		flag       string
		value, max int
	}{
		{"sessions", p.Sessions, maxSessions}, {"channels", p.Channels, maxSessions}, {"subscriptions", p.Subscriptions, p.Channels},
		{"publishers", p.Publishers, maxSessions}, {"batch", p.Batch, 1024}, {"size", p.Size, maxSize},
	} {
		if n.value < 1 || n.value > n.max {
			return fmt.Errorf("--%s is from 1 to %d", n.flag, n.max)
		}
	}
	switch {
	case p.Duration <= 0:
		return errors.New("--duration is not positive")
	case p.Drain <= 0:
		return errors.New("--drain is not positive")
	case p.Ramp < 0 || p.Warmup < 0:
		return errors.New("--ramp and --warmup are not negative")
	case !(p.Rate > 0) || p.Rate*p.length().Seconds() > maxTotal:
		return fmt.Errorf("--rate is positive, and less than %d messages in all", maxTotal)
	}
	return p.checkPrefix()
}

func (p *Plan) checkPrefix() error {
	extra := ""
	if p.Options != nil {
		extra = p.Options.ChannelChars
	}
	if p.Prefix == "" {
		p.Prefix = "/turold/load"
	}
	if err := p.Prefix.Validate(extra); err != nil || p.Prefix.Wild() || p.Prefix.Meta() || p.Prefix.Service() {
		return errors.New("--prefix is a channel, and none below /meta or /service")
	}
	return nil
}

// length is how long is published.
func (p *Plan) length() time.Duration { return p.Warmup + p.Duration }

// turns is how often each of n publishers gets its turn.
func (p *Plan) turns(n int) int {
	return int(math.Ceil(p.Rate * p.length().Seconds() / float64(n*p.Batch)))
}

// at is when publisher k of n has its turn, since the start.
func (p *Plan) at(turn, k, n int) time.Duration {
	return time.Duration(float64((turn*n+k)*p.Batch) / p.Rate * float64(time.Second))
}

// channel is the name of one.
func (p *Plan) channel(run string, n int) bayeux.Channel {
	return p.Prefix + "/" + bayeux.Channel(run) + "/" + bayeux.Channel(strconv.Itoa(n))
}

// subscribes is the j-th channel of a session: all channels get as many
// subscribers, give or take one.
func (p *Plan) subscribes(session, j int) int { return (session*p.Subscriptions + j) % p.Channels }

// newRun names a run so that no other has its channels.
func newRun() string { return rand.Text()[:12] }
