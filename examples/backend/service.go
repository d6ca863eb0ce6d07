package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
)

//go:embed page.html
var page []byte

const (
	cookie    = "user"
	signedIn  = 30 * 24 * time.Hour
	heartbeat = 15 * time.Second // on a stream that is silent, so that no proxy cuts it
	writeTime = 10 * time.Second // for a device to take what is written
	password  = "tapestry"       // everybody's: an application has its own way to sign in
)

// names are what may stand in a channel and in a token.
var names = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)

// A service is the HTTP side.
type service struct {
	users users
	key   signer
	http  *http.Server
}

func newService(d *client.Dialer, server string, key signer, most limits) *service {
	s := &service{key: key, users: users{dialer: d, server: server, key: key, most: most, all: map[string]*user{}}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(page)
	})
	mux.HandleFunc("GET /health", s.health)
	mux.HandleFunc("POST /signin", s.signIn)
	mux.HandleFunc("GET /events", s.signed(s.events))
	mux.HandleFunc("POST /send", s.signed(s.send))
	s.http = &http.Server{
		Handler:           http.NewCrossOriginProtection().Handler(mux),
		ReadHeaderTimeout: 10 * time.Second, // a ReadTimeout or WriteTimeout would end the streams
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
	return s
}

// drain ends the service in good order: nothing new is taken, what came for
// the users is passed on, each stream is told, and the sessions say goodbye.
func (s *service) drain(ctx context.Context) error {
	err := s.users.drain(ctx)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime) // the streams have to be written out
	defer cancel()
	if late := s.http.Shutdown(ctx); late != nil {
		_ = s.http.Close()
		err = errors.Join(err, late)
	}
	return err
}

// signIn sets the cookie.
func (s *service) signIn(w http.ResponseWriter, r *http.Request) {
	var in struct{ User, Password string }
	if !read(w, r, &in) {
		return
	}
	if !names.MatchString(in.User) || in.Password != password {
		http.Error(w, "no such user, or another password", http.StatusUnauthorized)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: cookie, Value: s.key.sign(in.User, time.Now().Add(signedIn)), Path: "/",
		MaxAge: int(signedIn / time.Second), HttpOnly: true, SameSite: http.SameSiteStrictMode}) // and Secure, behind TLS
	w.WriteHeader(http.StatusNoContent)
}

// signed passes on the requests of those who are signed in, while the service runs.
func (s *service) signed(f func(http.ResponseWriter, *http.Request, string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := ""
		if c, err := r.Cookie(cookie); err == nil {
			name = s.key.verify(c.Value)
		}
		switch {
		case s.users.drains():
			refuse(w, client.ErrDraining)
		case name == "":
			http.Error(w, "not signed in", http.StatusUnauthorized)
		default:
			f(w, r, name)
		}
	}
}

// send publishes to another user, and says what became of it.
func (s *service) send(w http.ResponseWriter, r *http.Request, name string) {
	var in struct{ To, Text string }
	if !read(w, r, &in) {
		return
	}
	c := s.users.find(name)
	switch {
	case !names.MatchString(in.To):
		http.Error(w, "no such user", http.StatusBadRequest)
		return
	case c == nil:
		http.Error(w, "open a stream first", http.StatusConflict)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	if err := c.Publish(ctx, bayeux.Channel("/user/"+in.To), map[string]string{"from": name, "text": in.Text}); err != nil {
		refuse(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// refuse answers with what an error means to the one who asks.
func refuse(w http.ResponseWriter, err error) {
	var outcome *client.OutcomeError
	switch {
	case errors.As(err, &outcome) && outcome.Sent: // first: its cause may be a refusal of something else
		http.Error(w, "it may have arrived, or not", http.StatusGatewayTimeout)
	case errors.Is(err, bayeux.ErrUnauthorized):
		http.Error(w, "the server does not let you", http.StatusForbidden)
	default: // full, draining, an outage
		w.Header().Set("Retry-After", fmt.Sprint(1+rand.N(5))) // not all at once
		http.Error(w, "not now", http.StatusServiceUnavailable)
	}
}

func read(w http.ResponseWriter, r *http.Request, into any) bool {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(patience))
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<10)).Decode(into); err != nil {
		http.Error(w, "that is no JSON of ours", http.StatusBadRequest)
		return false
	}
	return true
}
