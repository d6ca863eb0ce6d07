package bayeux

import "github.com/go-json-experiment/json/jsontext"

// A fields is a set of fields.
type fields uint32

func (s fields) has(f field) bool { return s&(1<<f) != 0 }

func fieldSet(all ...field) (s fields) {
	for _, f := range all {
		s |= 1 << f
	}
	return s
}

func (d *decoder) message(m *Message) error {
	if _, err := d.ReadToken(); err != nil {
		return d.fail(badJSON, err)
	}
	var seen, wrongType fields
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
		if err := d.member(m, f); err == errWrongType { //nolint:errorlint // it is as textOf gave it
			wrongType |= 1 << f
		} else if err != nil {
			return err
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return d.fail(badJSON, err)
	}
	if wrongType != 0 && wrongType&meaningful(m) != 0 {
		return d.fail("a reserved key with a value of the wrong type", nil)
	}
	if m.Meta != nil {
		d.dropEventAdvice(m)
		if m.Meta.empty() {
			m.Meta = nil
		}
	}
	return nil
}

// What counts in which message, for the keys that take some kinds of values only
// (Bayeux sections 4 and 5). Ext, error and advice are whatever the peer likes.
var (
	ofEvents     = fieldSet(fChannel, fData)
	ofReplies    = ofEvents | fieldSet(fID, fSuccessful)
	ofMeta       = ofReplies | fieldSet(fClientID)
	ofConnect    = ofMeta | fieldSet(fConnectionType)
	ofHandshake  = ofMeta | fieldSet(fVersion, fMinimumVersion, fSupported)
	ofSubscribes = ofMeta | fieldSet(fSubscription)
)

// meaningful returns the keys that mean something in m. Servers relay whatever a
// publisher has put beside its data: in an event a client ignores it, so that no value of
// it is a reason to refuse the event.
func meaningful(m *Message) fields {
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
		return ofEvents
	}
	return ofReplies // a publish's reply, or what a publisher sent without data
}

// dropEventAdvice removes the advice of a message that is not on a meta channel: any
// client may publish one.
func (d *decoder) dropEventAdvice(m *Message) {
	if m.Meta.Advice != nil && m.Channel != "" && !m.Channel.Meta() {
		m.Meta.Advice = nil
		d.withAdvice--
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
	if name := d.names.get(v); name != "" {
		return name, nil
	}
	s, err := textOf(v, false)
	if err == nil {
		d.names.put(v, Channel(s))
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
		return false, errWrongType
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
