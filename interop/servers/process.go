package servers

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

const (
	startTime = 60 * time.Second // a cold JVM on a busy machine
	stopTime  = 3 * time.Second  // to end by itself, before it is killed
)

// starting holds one for each process that is starting: more at a time are
// only slower, and what has just started is slow while others start.
var starting = make(chan struct{}, 2)

// A process is a server that runs. It is ready when it has printed its ports.
type process struct {
	cmd         *exec.Cmd
	stdin       io.Closer
	out         *output
	done        chan struct{} // closed when it is gone
	port, admin int
}

// start runs a command and waits until it is ready. The thread that starts it
// enters a namespace before.
func start(out *output, enter func() error, command ...string) (*process, error) {
	starting <- struct{}{}
	defer func() { <-starting }()
	p := &process{cmd: exec.Command(command[0], command[1:]...), out: out, done: make(chan struct{})}
	own(p.cmd)
	p.cmd.Stdout, p.cmd.Stderr = out, out
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	p.stdin = stdin
	ready := out.expect()
	started := make(chan error, 1)
	go p.live(enter, started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("servers: %w", err)
	}
	select {
	case ports := <-ready:
		p.port, p.admin = ports[0], ports[1]
		return p, nil
	case <-p.done:
		err = errors.New("it ended")
	case <-time.After(startTime):
		err = fmt.Errorf("it said nothing for %v", startTime)
	}
	p.kill()
	return nil, fmt.Errorf("servers: %s is not ready: %w\n%s", command[0], err, tail(out.String()))
}

// live starts the process and stays with it, on one thread, which ends with it:
// see dieWithParent and Host.
func (p *process) live(enter func() error, started chan<- error) {
	runtime.LockOSThread()
	defer close(p.done)
	err := enter()
	if err == nil {
		err = p.cmd.Start()
	}
	started <- err
	if err == nil {
		_ = p.cmd.Wait() // how it ended is no news: it was killed, or it is in its output
	}
}

// kill ends the process at once, as a crash would, and waits until it is gone.
func (p *process) kill() {
	select {
	case <-p.done:
		return
	default:
	}
	_ = killGroup(p.cmd.Process) // it may have just ended
	<-p.done
}

// stop asks the process to end, and kills it if it does not.
func (p *process) stop() {
	_ = p.stdin.Close()
	select {
	case <-p.done:
	case <-time.After(stopTime):
		p.kill()
	}
}

// An output keeps the last of what processes print, one after the other, and
// finds the line that says that one is ready.
type output struct {
	mu    sync.Mutex
	text  []byte
	line  []byte
	ready chan [2]int // nil: the line is not expected
}

// expect returns where the ports of the next ready line come.
func (o *output) expect() <-chan [2]int {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ready = make(chan [2]int, 1)
	return o.ready
}

func (o *output) Write(b []byte) (int, error) {
	const most = 64 << 10
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, b...)
	if len(o.text) > 2*most {
		o.text = bytes.Clone(o.text[len(o.text)-most:])
	}
	for o.line = append(o.line, b...); ; {
		line, rest, ok := bytes.Cut(o.line, []byte("\n"))
		if !ok {
			return len(b), nil
		}
		o.line = rest
		var ports [2]int
		if n, _ := fmt.Sscanf(string(line), "ready %d %d", &ports[0], &ports[1]); n == 2 && o.ready != nil {
			o.ready <- ports
			o.ready = nil
		}
	}
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text)
}
