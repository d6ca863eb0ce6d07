package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/turold/turold/bench/rawserver"
	"github.com/turold/turold/interop/servers"
)

// roundTrip is that of the far addresses.
const roundTrip = 100 * time.Millisecond

// addresses are where a server listens, as host:port.
type addresses struct{ Plain, TLS, FarPlain, FarTLS string }

// serve is the process of a server. It ends with its standard input, which its
// parent holds.
func serve() error {
	s := rawserver.New()
	var at addresses
	for _, l := range []struct {
		secure    bool
		near, far *string
	}{{false, &at.Plain, &at.FarPlain}, {true, &at.TLS, &at.FarTLS}} {
		listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is there at once
		if err != nil {
			return err
		}
		*l.near = listener.Addr().String()
		relay, err := servers.NewRelay(*l.near, roundTrip/2)
		if err != nil {
			return err
		}
		*l.far = relay.Addr()
		if l.secure {
			config, _ := certificates()
			listener = tls.NewListener(listener, config)
		}
		go func() { _ = s.Serve(listener) }()
	}
	if err := json.NewEncoder(os.Stdout).Encode(at); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// certificates are those that httptest has: the same in each process.
func certificates() (server *tls.Config, roots *x509.CertPool) {
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	roots = x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return &tls.Config{Certificates: s.TLS.Certificates}, roots
}

// A server is the process of one.
type server struct {
	addresses
	in  io.WriteCloser
	cmd *exec.Cmd
}

func startServer(ctx context.Context) (*server, error) {
	cmd := self(ctx, "serve")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{in: in, cmd: cmd}
	if err := json.NewDecoder(out).Decode(&s.addresses); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

func (s *server) stop() error {
	_ = s.in.Close()
	return s.cmd.Wait()
}

// self is a process of this program.
func self(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Stderr = os.Stderr
	return cmd
}

// take makes one measurement, each side in a process.
func take(ctx context.Context, p params) (figures, error) {
	s, err := startServer(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.stop() }()
	p.At = s.addresses
	return measureIn(ctx, p, os.Args[0], "measure")
}

// measureIn makes one measurement in a process, whose last argument says what is
// measured.
func measureIn(ctx context.Context, p params, command ...string) (figures, error) {
	spec, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], append(command[1:], string(spec))...)
	cmd.Stderr = os.Stderr
	if p.Cores > 0 {
		cmd.Env = append(os.Environ(), fmt.Sprint("GOMAXPROCS=", p.Cores))
	}
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	return lastFigures(out)
}

// lastFigures are those of the last line.
func lastFigures(out []byte) (f figures, err error) {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &f); err != nil {
		return nil, err
	}
	if len(f) == 0 {
		return nil, errors.New("a measurement without figures")
	}
	return f, nil
}
