package bayeux

import "github.com/go-json-experiment/json/jsontext"

func (d *decoder) message(m *Message) error {
	if _, err := d.ReadToken(); err != nil {
		return d.fail(badJSON, err)
	}
	var seen uint32
	for d.PeekKind() == jsontext.KindString {
		key, err := d.key()
		if err != nil {
			return err
		}
		f := reserved(key)
		if f != fUnknown && seen&(1<<f) != 0 {
			return d.fail("a reserved key comes twice", nil)
		}
		seen |= 1 << f
		if err := d.member(m, f); err != nil {
			return err
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return d.fail(badJSON, err)
	}
	if m.Meta != nil && m.Meta.empty() {
		m.Meta = nil
	}
	return nil
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
	s, err := d.textOf(v, false)
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
		t.Verdict = true
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
		return false, d.fail("successful is no boolean", nil)
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
	return !t.Verdict && t.Advice == nil && t.ClientID == "" && t.Error == "" && t.ConnectionType == "" &&
		t.Subscription == nil && t.SupportedConnectionTypes == nil && t.Version == "" && t.MinimumVersion == ""
}
