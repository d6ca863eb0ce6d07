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

// A Running is a Server on a listener.
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
// JavaScript client appends the kind of message to the path. Other paths go to
// rest, or are not found if that is nil. It takes over the listener and the
// server: Close closes both.
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

// goodbye is how long what a server says when it is closed may take to leave.
const goodbye = time.Second

// Close ends what is connected, stops listening, and waits until nothing runs.
func (r *Running) Close() error {
	r.shut()
	// A handler that has returned has not yet written: only net/http knows when
	// the last answer has left.
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	_ = r.http.Shutdown(ctx)
	err := r.http.Close()
	r.Server.wg.Wait()
	r.wg.Wait()
	return err
}
