package engine

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
)

// A Server is what is under stress beside the client. Its faults run one at a
// time; everything else may overlap.
type Server interface {
	// Start starts it with nothing taken, and Stop ends it so that nothing is left.
	Start() error
	Stop()
	Address() string // host and port; another one after a fault that restarts it
	Path() string    // where Bayeux is served
	// Taken are the publishes that it took since Start, those that it denied
	// aside, in their order on each channel.
	Taken() (map[bayeux.Channel][]ID, error)
	Faults() []Fault
}

// A Fault is something that happens. Do returns when it is over.
type Fault struct {
	Name   string
	Do     func(ctx context.Context, rng *rand.Rand)
	Stalls bool // what the server has got by then it may take when a client has given it up
}

// The channels. A server denies what is published below denied, and answers
// calls to Echo with the data they came with.
const (
	Denied = "/deny/"
	Echo   = "echo"
	events = "/stress/" // consumers read these
	dark   = "/dark/"   // nobody does
	churn  = "/churn/"  // one goroutine each does, now and then
)

// A Config says what is put under stress. Zero fields take defaults.
type Config struct {
	Mode     fallback.Mode
	NoAck    bool
	Seed     uint64
	For      time.Duration // of all rounds; 0: one round
	Round    time.Duration // how long things break in a round; 0: 10 s
	Sessions int           // 0: 4
	Workers  int           // goroutines with random operations, of all sessions; 0: 200
	Pause    time.Duration // between two operations of a worker, on average; 0: 20 ms
	Faults   string        // only those whose name has it; empty: all
	Trace    bool          // say of each event that is missing where it was seen
	Out      io.Writer     // a line a round, and each violation
}

const (
	networkDelay = time.Second     // the sessions' own; stalls are longer
	silence      = 2 * time.Second // after which they take a connection for dead
	// Hold is how long a server should hold connects.
	Hold = 2 * time.Second
	// settles is how long what is to come right may take, on a busy machine.
	settles = time.Minute
	// Late is how much later than the place of what is missing a gap may stand,
	// without acknowledgement: until a dead exchange is found out.
	Late = 30 * time.Second
)

// A Result is what came of all rounds.
type Result struct {
	Rounds     int
	Counts     Counts
	Violations []string
}

// Counts is how often what happened.
type Counts map[string]int

func (c Counts) join(d Counts) {
	for k, n := range d {
		if strings.HasPrefix(k, latest) {
			c[k] = max(c[k], n)
		} else {
			c[k] += n
		}
	}
}

// Run plays rounds. Its error is of what it needs, such as the server: then
// nothing is known.
func Run(ctx context.Context, s Server, cfg Config) (*Result, error) {
	cfg = cfg.withDefaults()
	if l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0"); err == nil {
		_ = l.Close() // what the runtime keeps from the first socket on is there before the first round
	}
	begun := time.Now()
	out := &Result{Counts: Counts{}}
	for out.Rounds == 0 || time.Since(begun) < cfg.For && ctx.Err() == nil {
		r := &round{cfg: cfg, server: s, counts: Counts{}, kinds: map[string]int{}, rng: rand.New(rand.NewPCG(cfg.Seed, uint64(out.Rounds)))}
		if err := r.play(ctx); err != nil {
			return out, err
		}
		out.Rounds++
		out.Counts.join(r.counts)
		out.Violations = append(out.Violations, r.violations...)
		_, _ = fmt.Fprintf(cfg.Out, "%v round %d: %d publishes, %d events, %d violations\n", cfg.Mode, out.Rounds, r.counts[published], r.counts[delivered], len(r.violations))
		for _, v := range r.violations {
			_, _ = fmt.Fprintf(cfg.Out, "  VIOLATION: %s\n", v)
		}
		for _, v := range r.remarks {
			_, _ = fmt.Fprintf(cfg.Out, "  %s\n", v)
		}
	}
	return out, nil
}

func (c Config) withDefaults() Config {
	if c.Round == 0 {
		c.Round = 10 * time.Second
	}
	if c.Sessions == 0 {
		c.Sessions = 4
	}
	if c.Workers == 0 {
		c.Workers = 200
	}
	if c.Pause == 0 {
		c.Pause = 20 * time.Millisecond
	}
	if c.Out == nil {
		c.Out = io.Discard
	}
	return c
}

// A round is one life of a server and of sessions with it.
type round struct {
	cfg    Config
	server Server
	rng    *rand.Rand // of the schedule
	trace  *trace
	dialer *client.Dialer
	calm   atomic.Bool // everything works, and slow readers are slow no more

	names      sync.Map // of the sessions, by client
	sessions   []*session
	consumers  []*consumer
	churners   []*churner
	mu         sync.Mutex
	publishers []*publisher // by ID, from 1
	counts     Counts
	violations []string
	kinds      map[string]int // how many of each
	remarks    []string
}

// A session is a client, and its network.
type session struct {
	name  string
	relay *relay
	c     *client.Client
}

func (r *round) violated(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	const most = 3 // of one kind, in full
	if r.counts["violations"]++; r.kinds[format] < most {
		r.violations = append(r.violations, fmt.Sprintf(format, args...))
	}
	r.kinds[format]++
}

func (r *round) count(what string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[what] += n
}

// play plays the round and judges it.
func (r *round) play(ctx context.Context) error {
	before := held()
	if r.cfg.Trace || r.cfg.NoAck {
		r.trace = newTrace()
	}
	if err := r.server.Start(); err != nil {
		return err
	}
	defer r.server.Stop()
	err := r.open(ctx)
	if err == nil {
		err = r.stress(ctx)
	}
	r.shut()
	r.server.Stop()
	if err == nil {
		r.left(before)
	}
	return err
}

// open dials the sessions, through relays that pass everything yet.
func (r *round) open(ctx context.Context) error {
	r.dialer = &client.Dialer{Policy: fallback.Policy{Mode: r.cfg.Mode}, Silence: silence, Proxy: http.ProxyURL((*url.URL)(nil)), Trace: r.tracer()}
	for n := range r.cfg.Sessions {
		s, err := r.dial(ctx, fmt.Sprint(n))
		if s != nil {
			r.sessions = append(r.sessions, s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *round) dial(ctx context.Context, name string) (s *session, err error) {
	s = &session{name: name}
	if s.relay, err = newRelay(name, r.server.Address, r.trace); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, settles)
	defer cancel()
	s.c, err = r.dialer.Dial(ctx, "http://"+s.relay.addr()+r.server.Path(), &client.Options{NoAck: r.cfg.NoAck, NetworkDelay: networkDelay, KeepDialing: true})
	if err == nil {
		r.names.Store(s.c, name)
	}
	return s, err
}

// stress is the round itself: trouble, and then calm, and judgement.
func (r *round) stress(ctx context.Context) error {
	all, end := context.WithCancel(ctx)
	defer end()
	var readers sync.WaitGroup
	defer readers.Wait()
	defer end()
	if err := r.consume(all, &readers); err != nil {
		return err
	}
	r.trouble(all)
	if err := r.settle(all); err != nil {
		return err
	}
	taken, err := r.server.Taken()
	if err != nil {
		return err
	}
	end()
	readers.Wait()
	for _, h := range r.churners {
		h.stop()
	}
	r.judge(taken)
	return nil
}

// trouble has the workers work while things break, until its time is over.
func (r *round) trouble(ctx context.Context) {
	var workers sync.WaitGroup
	broken, end := context.WithTimeout(ctx, r.cfg.Round)
	defer end()
	for n := range r.cfg.Workers {
		s, rng := r.sessions[n%len(r.sessions)], rand.New(rand.NewPCG(r.rng.Uint64(), 0))
		p := r.publisher()
		if n < churners {
			h := &churner{r: r, s: s, p: p, rng: rng, channel: churnChannel(n)}
			r.churners = append(r.churners, h)
			workers.Go(func() { h.work(broken) })
			continue
		}
		w := &worker{r: r, c: s.c, p: p, rng: rng}
		workers.Go(func() { w.work(broken) })
	}
	quits := rand.New(rand.NewPCG(r.rng.Uint64(), 0))
	workers.Go(func() { r.quitters(broken, quits) })
	r.breaking(broken)
	for _, s := range r.sessions {
		s.relay.calm()
	}
	r.calm.Store(true)
	workers.Wait()
}

func (r *round) publisher() *publisher {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := &publisher{id: len(r.publishers) + 1}
	r.publishers = append(r.publishers, p)
	return p
}

// settle waits until everything has an outcome and has come.
func (r *round) settle(ctx context.Context) error {
	if !r.within(ctx, r.settled) {
		r.count("not settled", 1) // and each is told
	}
	end, err := client.Dial(ctx, "http://"+r.server.Address()+r.server.Path(), nil)
	if err != nil {
		return err
	}
	defer end.Close()
	rounds := 1
	if r.cfg.NoAck {
		rounds = 2 // what is on a dead exchange is known once that is found out
	}
	n := 0
	for i := range rounds {
		if i > 0 {
			sleep(ctx, networkDelay+Hold+silence)
		}
		base := n
		done := r.within(ctx, func() bool {
			for _, ch := range eventChannels {
				if err := end.Publish(ctx, ch, payload(ID{0, n}, 0)); err != nil {
					return false
				}
			}
			n++
			for _, k := range r.consumers {
				if !k.reached(base) {
					return false
				}
			}
			return true
		})
		if !done {
			for _, k := range r.consumers {
				if !k.reached(base) {
					r.violated("consumer %s of session %s gets nothing though everything works; %v", k.channel, k.s.name, k.s.c.Status())
				}
			}
		}
	}
	for _, h := range r.churners {
		h.probe(ctx)
	}
	return nil
}

// within asks until the answer is yes, or it has taken too long.
func (r *round) within(ctx context.Context, f func() bool) bool {
	for begun := time.Now(); time.Since(begun) < settles; {
		if f() {
			return true
		}
		if !sleep(ctx, 20*time.Millisecond) {
			return false
		}
	}
	return false
}

func (r *round) settled() bool {
	for _, p := range r.publishers {
		if !p.settled() {
			return false
		}
	}
	return true
}

// shut closes everything but the server.
func (r *round) shut() {
	for n, s := range r.sessions {
		if s.c == nil {
			continue
		}
		if n%2 == 0 {
			ctx, cancel := context.WithTimeout(context.Background(), networkDelay)
			_ = s.c.Disconnect(ctx)
			cancel()
		}
		_ = s.c.Close()
	}
	r.dialer.Close()
	for _, s := range r.sessions {
		s.relay.close()
	}
}

// left tells of goroutines and descriptors that are left.
func (r *round) left(before [2]int) {
	after := held()
	for begun := time.Now(); time.Since(begun) < settles && (after[0] > before[0] || after[1] > before[1]); after = held() {
		time.Sleep(50 * time.Millisecond)
	}
	if after[0] > before[0] {
		stacks := make([]byte, 1<<20)
		r.violated("%d goroutines are left, %d were there before:\n%s", after[0], before[0], stacks[:runtime.Stack(stacks, true)])
	}
	if after[1] > before[1] {
		r.violated("%d descriptors are left, %d were there before", after[1], before[1])
	}
}

// held is how many goroutines and descriptors there are; where the system does
// not say, none of the latter.
func held() [2]int {
	fds, _ := os.ReadDir("/proc/self/fd")
	return [2]int{runtime.NumGoroutine(), len(fds)}
}

// sleep reports whether the context goes on.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
