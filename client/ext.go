package client

import (
	"encoding/json"
	"errors"
	"maps"
	"strconv"
)

// An object has the members of an ext that is a JSON object.
type object map[string]json.RawMessage

// objectOf marshals v, which must come out as an object; nil gives nil.
func objectOf(v any) (object, error) {
	if v == nil {
		return nil, nil
	}
	b, err := marshal(v)
	if err != nil {
		return nil, err
	}
	var o object
	if err := json.Unmarshal(b, &o); err != nil {
		return nil, errors.New("client: the ext is no JSON object")
	}
	return o, nil
}

// handshakeExt merges the ext members of the application, the credential and the client.
func (c *Client) handshakeExt() json.RawMessage {
	o := object{}
	maps.Copy(o, c.ext)
	maps.Copy(o, c.handshake.ext)
	if !c.options.NoAck {
		o["ack"] = json.RawMessage("true")
	}
	if len(o) == 0 {
		return nil
	}
	b, _ := json.Marshal(o) // of valid JSON: it does not fail
	return b
}

// ackOffered reads the ack member of a handshake reply: true, or an object
// that may name the first batch (CometD since 3.1).
func ackOffered(ext json.RawMessage) (ok bool, batch int64) {
	var o object
	if json.Unmarshal(ext, &o) != nil {
		return false, 0
	}
	if json.Unmarshal(o["ack"], &ok) == nil {
		return ok, 0
	}
	var told object
	if json.Unmarshal(o["ack"], &told) != nil {
		return false, 0
	}
	_ = json.Unmarshal(told["enabled"], &ok)
	_ = json.Unmarshal(told["batch"], &batch)
	return ok, batch
}

// ackOf reads the number of the batch that ends with a connect's reply.
func ackOf(ext json.RawMessage) (int64, bool) {
	var o object
	if len(ext) == 0 || json.Unmarshal(ext, &o) != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(string(o["ack"]), 10, 64)
	return n, err == nil
}

// ackExt returns the ext of a connect that acknowledges a batch.
func ackExt(batch int64) json.RawMessage {
	return append(strconv.AppendInt([]byte(`{"ack":`), batch, 10), '}')
}
