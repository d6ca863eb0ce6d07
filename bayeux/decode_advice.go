package bayeux

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

var errTooMuchAdvice = fmt.Errorf("%w: more than %d messages with advice", ErrTooLarge, maxAdvicePerBatch)

// adviceIfAny reads an object; anything else is no advice.
func (d *decoder) adviceIfAny() (*Advice, error) {
	if d.PeekKind() != jsontext.KindBeginObject {
		return nil, d.skip()
	}
	if d.withAdvice++; d.withAdvice > maxAdvicePerBatch {
		return nil, errTooMuchAdvice
	}
	a := new(Advice)
	return a, d.advice(a, true)
}

// advice reads an object into a. Members of the wrong type count as not sent:
// advice is advice, and no reason to refuse the message it came with. Of a key
// that comes twice the later one holds.
func (d *decoder) advice(a *Advice, sections bool) error {
	if _, err := d.ReadToken(); err != nil {
		return d.fail(badJSON, err)
	}
	for d.PeekKind() == jsontext.KindString {
		key, err := d.key()
		if err != nil {
			return err
		}
		if err := d.adviceMember(a, key, sections); err != nil {
			return err
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return d.fail(badJSON, err)
	}
	return nil
}

// adviceMember reads the value of one key.
func (d *decoder) adviceMember(a *Advice, key []byte, sections bool) error {
	switch string(key) {
	case "reconnect":
		return d.reconnect(&a.Reconnect)
	case "interval":
		return d.millis(&a.Interval)
	case "timeout":
		return d.millis(&a.Timeout)
	case "maxInterval":
		return d.millis(&a.MaxInterval)
	case "multiple-clients":
		return d.flag(&a.MultipleClients)
	case "hosts":
		return d.hosts(&a.Hosts)
	}
	if sections && len(key) <= maxSectionName && d.PeekKind() == jsontext.KindBeginObject {
		return d.section(a, string(key))
	}
	return d.skip()
}

// section reads a transport-named part. An empty one is no part: a server
// could send a hundred thousand of them in a frame.
func (d *decoder) section(a *Advice, name string) error {
	var s Advice
	if err := d.advice(&s, false); err != nil || s.empty() {
		return err
	}
	a.setSection(name, s)
	return nil
}

// hosts takes a list of names. What is no name of a host (RFC 1035 section
// 2.3.4, and a port), or comes after the bound, is passed over.
func (d *decoder) hosts(to *[]string) error {
	if d.PeekKind() != jsontext.KindBeginArray {
		return d.skip()
	}
	if _, err := d.ReadToken(); err != nil {
		return d.fail(badJSON, err)
	}
	var all []string
	for d.PeekKind() != jsontext.KindEndArray {
		v, err := d.value()
		if err != nil {
			return err
		}
		if v[0] == '"' && len(v) <= maxHost && len(all) < maxHosts {
			all = append(all, unquote(v))
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return d.fail(badJSON, err)
	}
	if all != nil {
		*to = all
	}
	return nil
}

func (d *decoder) reconnect(to *Reconnect) error {
	v, err := d.value()
	if err != nil || v[0] != '"' {
		return err
	}
	switch r := Reconnect(unquote(v)); r {
	case ReconnectRetry, ReconnectHandshake, ReconnectNone:
		*to = r
	}
	return nil
}

func (d *decoder) flag(to **bool) error {
	v, err := d.value()
	if err != nil {
		return err
	}
	if yes := v[0] == 't'; yes || v[0] == 'f' {
		*to = &yes
	}
	return nil
}

func (d *decoder) millis(to **time.Duration) error {
	v, err := d.value()
	if err != nil {
		return err
	}
	if ms, ok := parseMillis(v); ok {
		*to = ms
	}
	return nil
}

// parseMillis takes a number of milliseconds, also one written as a float or
// in a string, cut to what advice may carry.
func parseMillis(v []byte) (*time.Duration, bool) {
	if v[0] == '"' {
		// ParseFloat takes more than JSON's numbers, "0x1p-2" for one.
		if v = v[1 : len(v)-1]; !jsontext.Value(v).IsValid() {
			return nil, false
		}
	}
	if !numeric(v) {
		return nil, false
	}
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return nil, false
	}
	ms := min(max(f, 0), float64(MaxAdvised.Milliseconds()))
	return Millis(time.Duration(ms) * time.Millisecond), true
}
