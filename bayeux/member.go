package bayeux

import "github.com/go-json-experiment/json/jsontext"

// A fields is a set of fields.
type fields uint32

func (s fields) has(f field) bool { return s&(1<<f) != 0 }

func setOf(all ...field) (s fields) {
	for _, f := range all {
		s |= 1 << f
	}
	return s
}

func (d *decoder) message(m *Message) error {
	if _, err := d.ReadToken(); err != nil {
		return d.fail(badJSON, err)
	}
	var seen, odd fields
	for d.PeekKind() == jsontext.KindString {
		key, err := d.key()
		if err != nil {
			return err
		}
		f := reserved(key)
		if f != fUnknown && seen.has(f) {
			return d.fail("a reserved key comes twice", nil)
		}
		seen |= 1 << f
		if err := d.member(m, f); err == errKind { //nolint:errorlint // it is as textOf gave it
			odd |= 1 << f
		} else if err != nil {
			return err
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return d.fail(badJSON, err)
	}
	if odd != 0 && odd&counts(m) != 0 {
		return d.fail("a reserved key with a value of the wrong type", nil)
	}
	if m.Meta != nil {
		d.unadvise(m)
		if m.Meta.empty() {
			m.Meta = nil
		}
	}
	return nil
}

// What counts in which message, for the keys that take some kinds of values only
// (Bayeux sections 4 and 5). Ext, error and advice are whatever the peer likes.
var (
	everywhere   = setOf(fChannel, fData)
	answering    = everywhere | setOf(fID, fSuccessful)
	ofMeta       = answering | setOf(fClientID)
	ofConnect    = ofMeta | setOf(fConnectionType)
	ofHandshake  = ofMeta | setOf(fVersion, fMinimumVersion, fSupported)
	ofSubscribes = ofMeta | setOf(fSubscription)
)

// counts are the keys that mean something in m. Servers pass on whatever a
// publisher has put beside its data: in an event that is nothing to us, and so
// whatever its value is, that is no reason to refuse the event.
func counts(m *Message) fields {
	switch {
	case m.Channel == MetaHandshake:
		return ofHandshake
	case m.Channel == MetaConnect:
		return ofConnect
	case m.Channel == MetaSubscribe, m.Channel == MetaUnsubscribe:
		return ofSubscribes
	case m.Channel == "", m.Channel.Meta():
		return ofMeta
	case m.Data != nil:
		return everywhere
	}
	return answering // a publish's reply, or what a publisher sent without data
}

// unadvise takes the advice off what is no business of a server's own: anybody
// may publish one.
func (d *decoder) unadvise(m *Message) {
	if m.Meta.Advice != nil && m.Channel != "" && !m.Channel.Meta() {
		m.Meta.Advice = nil
		d.advised--
	}
}

// member reads the value of one key. Null is a value as data; anywhere else it
// is as good as no key.
func (d *decoder) member(m *Message, f field) (err error) {
	if f == fData {
		m.Data, err = d.value()
		return err
	}
	if f == fUnknown || d.PeekKind() == jsontext.KindNull {
		return d.skip()
	}
	switch f {
	case fExt:
		m.Ext, err = d.value()
	case fChannel:
		m.Channel, err = d.channel()
	case fID:
		m.ID, err = d.text(true)
	default:
		if m.Meta == nil {
			m.Meta = new(Meta)
		}
		return d.meta(m.Meta, f)
	}
	return err
}

// channel keeps the meta channels that come most often as constants.
func (d *decoder) channel() (Channel, error) {
	v, err := d.value()
	if err != nil {
		return "", err
	}
	switch string(v) {
	case `"/meta/connect"`:
		return MetaConnect, nil
	case `"/meta/subscribe"`:
		return MetaSubscribe, nil
	}
	if name := d.names.find(v); name != "" {
		return name, nil
	}
	s, err := textOf(v, false)
	if err == nil {
		d.names.keep(v, Channel(s))
	}
	return Channel(s), err
}

func (d *decoder) meta(t *Meta, f field) (err error) {
	switch f {
	case fClientID:
		t.ClientID, err = d.text(true)
	case fSuccessful:
		t.Successful, err = d.successful()
		t.Verdict = err == nil
	case fError:
		t.Error, err = d.errorText()
	case fAdvice:
		t.Advice, err = d.adviceIfAny()
	case fSubscription:
		t.Subscription, err = d.subscription()
	case fConnectionType:
		t.ConnectionType, err = d.text(false)
	case fSupported:
		t.SupportedConnectionTypes, err = texts[string](d)
	case fVersion:
		t.Version, err = d.text(true)
	case fMinimumVersion:
		t.MinimumVersion, err = d.text(true)
	}
	return err
}

func (d *decoder) successful() (bool, error) {
	v, err := d.value()
	if err != nil {
		return false, err
	}
	if v[0] != 't' && v[0] != 'f' {
		return false, errKind
	}
	return v[0] == 't', nil
}

// errorText takes a string; the JSON of anything else is kept as the text,
// since some servers send an object.
func (d *decoder) errorText() (string, error) {
	v, err := d.value()
	if err != nil {
		return "", err
	}
	if v[0] == '"' {
		return unquote(v), nil
	}
	return string(v), nil
}

// subscription is one name or an array of them (Bayeux section 5.3).
func (d *decoder) subscription() ([]Channel, error) {
	if d.PeekKind() == jsontext.KindBeginArray {
		return texts[Channel](d)
	}
	s, err := d.text(false)
	if err != nil {
		return nil, err
	}
	return []Channel{Channel(s)}, nil
}

// empty reports whether t says nothing: its keys were there, but with empty
// values or ones that are passed over.
func (t *Meta) empty() bool {
	return !t.Verdict && t.Unreadable == nil && t.Advice == nil && t.ClientID == "" && t.Error == "" && t.ConnectionType == "" &&
		t.Subscription == nil && t.SupportedConnectionTypes == nil && t.Version == "" && t.MinimumVersion == ""
}
