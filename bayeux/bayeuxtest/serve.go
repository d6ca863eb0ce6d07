package bayeuxtest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A Running is a Server that serves a listener.
type Running struct {
	*Server
	URL string // of the transports, such as http://127.0.0.1:41329/cometd

	http *http.Server
	wg   sync.WaitGroup
}

// Start runs a server on a free port of the loopback interface, at /cometd.
func Start(o *Options) (*Running, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return Serve(l, "/cometd", New(o), nil), nil
}

// Serve runs a server on a listener, at a path and below it: CometD's own
// JavaScript client appends the kind of message to the path. The handler rest serves
// other paths; nil: they are not found. Serve takes over the listener and the server:
// Close closes both.
func Serve(l net.Listener, path string, s *Server, rest http.Handler) *Running {
	mux := http.NewServeMux()
	mux.Handle(path, s)
	if !strings.HasSuffix(path, "/") {
		mux.Handle(path+"/", s)
	}
	if rest != nil && path != "/" {
		mux.Handle("/", rest)
	}
	r := &Running{Server: s, URL: "http://" + l.Addr().String() + path,
		http: &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}}
	r.wg.Go(func() {
		if err := r.http.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			_ = l.Close()
		}
	})
	return r
}

// closeTimeout bounds the writing of a server's last answers when it is closed.
const closeTimeout = time.Second

// Close ends every session and connection, stops listening, and waits for every
// goroutine.
func (r *Running) Close() error {
	r.closeAll()
	// A handler that has returned has not yet written: only net/http knows when
	// the last answer has left.
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = r.http.Shutdown(ctx)
	err := r.http.Close()
	r.Server.wg.Wait()
	r.wg.Wait()
	return err
}
