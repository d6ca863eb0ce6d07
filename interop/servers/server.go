package servers

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/turold/turold/interop/cometd"
	"github.com/turold/turold/interop/faye"
)

// A Kind is a server of one make.
type Kind struct {
	Name string // for the names of tests
	// Ack: it has the acknowledgement extension. Call: it answers remote calls, on /service/echo.
	Ack, Call bool

	path    string
	program Program
	command func(dir string) []string
}

// The kinds. All refuse what is published or subscribed below /deny.
var (
	CometD  = java("cometd9", brief...) // the newest
	CometD7 = java("cometd7", brief...)
	CometD5 = java("cometd5", brief...)
	CometD3 = java("cometd3", brief...) // 3.0.10, of the line that Salesforce has made its server from
	// CometDLasting is CometD with what the JVM chooses by itself: slower for
	// some seconds and faster then, for benchmarks.
	CometDLasting = java("cometd9", "-Xmx2g")
	Faye          = &Kind{
		Name: "faye", path: "/faye",
		program: NodeProgram("faye", faye.Source),
		command: func(dir string) []string { return []string{"node", filepath.Join(dir, "server.js")} },
	}
)

// brief are a JVM's settings for a life of seconds: what helps a long life only
// makes the start slow.
var brief = []string{"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-Xmx512m"}

// java is a CometD server of one line of releases, by the name of its profile.
func java(name string, settings ...string) *Kind {
	return &Kind{
		Name: name, Ack: true, Call: true, path: "/cometd",
		program: JavaProgram(name, cometd.Source, "-P"+name),
		command: func(dir string) []string {
			return JavaCommand(dir, strings.Replace(name, "cometd", "CometD", 1), settings...)
		},
	}
}

// Missing is an error that says what to install, nil where everything is there.
func (k *Kind) Missing() error { return k.program.Missing() }

// NodeProgram is an npm package with what it depends on.
func NodeProgram(name string, source fs.FS) Program {
	return Program{
		Name: name, Source: source, Tools: []Tool{Node, NPM},
		Build: []string{"npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"},
	}
}

// JavaProgram is a Maven project without tests; settings are Maven's.
func JavaProgram(name string, source fs.FS, settings ...string) Program {
	build := append([]string{"mvn", "-q", "-B"}, settings...)
	return Program{
		Name: name, Source: source, Tools: []Tool{JRE, JDK, Maven},
		Build: append(build, "compiler:compile", "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=target/lib"),
	}
}

// JavaCommand runs a class of what [JavaProgram] was built to; settings are the JVM's.
func JavaCommand(dir, main string, settings ...string) []string {
	path := filepath.Join(dir, "target", "classes") + string(filepath.ListSeparator) + filepath.Join(dir, "target", "lib", "*")
	return append(append([]string{"java"}, settings...), "-cp", path, main)
}

// A Host is where a server runs: another machine, in effect, of which only the
// processes are seen from here.
type Host interface {
	IP() string   // at which clients find the server
	Enter() error // moves the calling thread there, for good: it starts the process
	// DialContext opens a connection from there, for commands.
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// A Server is a process that speaks Bayeux, and the port it has, dead or
// alive. Its methods are not safe for concurrent use; those that command it
// are, while it lives.
type Server struct {
	Kind *Kind
	Port int // it does not change

	command []string
	host    Host // nil: this machine's own loopback
	out     output
	live    *process // nil: it is dead
}

// Start starts a server, building it first if it was never built. Options are
// name=value, and empty ones are the server's own defaults: timeout (the
// longest hold, milliseconds), ws=false (no WebSocket); CometD only:
// maxInterval (a session's life without a connect, milliseconds),
// maxSessionsPerBrowser (of one cookie; -1: any number), ack=false, and
// record=false (Received says nothing).
func (k *Kind) Start(options ...string) (*Server, error) { return k.StartOn(nil, options...) }

// StartOn is Start on a host, for CometD only. Neither a [Counter] nor a
// [Relay] reaches the server there.
func (k *Kind) StartOn(h Host, options ...string) (*Server, error) {
	dir, err := k.program.Built()
	if err != nil {
		return nil, err
	}
	s := &Server{Kind: k, command: k.command(dir), host: h}
	if h != nil {
		s.command = append(s.command, "host="+h.IP())
	}
	if s.Port, err = FreePort(); err != nil {
		return nil, err
	}
	return s, s.Restart(options...)
}

// URL is the address for clients, http.
func (s *Server) URL() string { return "http://" + s.Addr() + s.Kind.path }

// URLVia is the address for clients that go through a relay at addr.
func (s *Server) URLVia(addr string) string { return "http://" + addr + s.Kind.path }

// Addr is the host and port for clients.
func (s *Server) Addr() string {
	ip := "127.0.0.1"
	if s.host != nil {
		ip = s.host.IP()
	}
	return net.JoinHostPort(ip, strconv.Itoa(s.Port))
}

// Kill ends the server as a crash would: its connections break, and what it
// knew is gone. Nobody listens on its port when it returns.
func (s *Server) Kill() {
	if s.live != nil {
		s.live.kill()
		s.live = nil
	}
}

// Restart starts the server on its port, with options as in Start; one that
// lives is killed first. It returns when the server listens.
func (s *Server) Restart(options ...string) (err error) {
	s.Kill()
	enter := func() error { return nil }
	if s.host != nil {
		enter = s.host.Enter
	}
	s.live, err = start(&s.out, enter, append(append(s.command[:len(s.command):len(s.command)], "port="+strconv.Itoa(s.Port)), options...)...)
	if err != nil {
		return fmt.Errorf("%w (%s)", err, s.Kind.Name)
	}
	return nil
}

// Pause stops the server's process where it is, as a machine that hangs: its
// connections stay, and the kernel accepts new ones. Resume has it go on.
// A dead server, or one that never ran, is not touched.
func (s *Server) Pause() error { return s.signal(pause) }

// Resume ends what Pause began.
func (s *Server) Resume() error { return s.signal(resume) }

func (s *Server) signal(send func(*os.Process) error) error {
	if s.live == nil {
		return nil
	}
	return send(s.live.cmd.Process)
}

// Stop ends the server for good. No process is left when it returns. It may
// be called again, and when the server is dead.
func (s *Server) Stop() {
	if s.live != nil {
		s.live.stop()
		s.live = nil
	}
}

// Log is the last of what the server printed, its earlier lives included.
func (s *Server) Log() string { return s.out.String() }
