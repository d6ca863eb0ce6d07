package servers

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// adminTime is enough for the slowest command: a long publish at a rate.
const adminTime = 2 * time.Minute

// A Session is what a server knows of one.
type Session struct {
	ID            string
	Subscriptions []string
}

// Publish has the server publish count events on a channel, with data
// {"n":from} and on; rate is events a second, 0 as fast as it can. It returns
// when the last was published.
func (s *Server) Publish(channel string, from, count, rate int) error {
	var published int
	return s.tell(&published, "publish", url.Values{"channel": {channel}, "from": {strconv.Itoa(from)},
		"count": {strconv.Itoa(count)}, "rate": {strconv.Itoa(rate)}})
}

// Received is the data of what clients published on a channel since the
// server started, in the order in which it took them.
func (s *Server) Received(channel string) (data []json.RawMessage, err error) {
	err = s.tell(&data, "received", url.Values{"channel": {channel}})
	return data, err
}

// Sessions are those that the server knows now.
func (s *Server) Sessions() (list []Session, err error) {
	err = s.tell(&list, "sessions", nil)
	return list, err
}

// Forget removes every session from the server, as if each had expired, and
// says how many there were.
func (s *Server) Forget() (n int, err error) {
	err = s.tell(&n, "remove", nil)
	return n, err
}

// Disconnect ends every session with the server's own /meta/disconnect
// (CometD only).
func (s *Server) Disconnect() (n int, err error) {
	err = s.tell(&n, "disconnect", nil)
	return n, err
}

// Shutdown has the server stop serving, as a deployment would (CometD only).
// The process lives on until Stop.
func (s *Server) Shutdown() error {
	var done bool
	return s.tell(&done, "stop", nil)
}

// tell gives a command and decodes its answer.
func (s *Server) tell(answer any, command string, query url.Values) error {
	if s.live == nil {
		return errors.New("servers: " + s.Kind.Name + " is dead")
	}
	way := &http.Transport{DisableKeepAlives: true}
	if s.host != nil {
		way.DialContext = s.host.DialContext
	}
	client := http.Client{Timeout: adminTime, Transport: way}
	resp, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d/%s?%s", s.live.admin, command, query.Encode()))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("servers: %s answers %s to %s", s.Kind.Name, resp.Status, command)
	}
	return json.NewDecoder(resp.Body).Decode(answer)
}
