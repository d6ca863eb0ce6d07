package hardening

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
	"github.com/turold/turold/transport"
)

// TestNoValueTellsASecret prints and logs each exported value that holds one,
// as a pointer and by itself.
func TestNoValueTellsASecret(t *testing.T) {
	k := newCanary(t, "canaryuser:canarypassword", "canaryother:canaryother")
	defer k.verify()
	s := &secretive{stage: &stage{T: t}, k: k}
	o := s.options()
	o.WebSocketURL = socketURL
	cr := client.Credential{URL: plainURL, Header: o.Header, Ext: o.Ext}
	u, err := url.Parse(plainURL)
	require.NoError(t, err)
	target := &transport.Target{URL: u, Header: o.Header}
	target.SocketURL, err = url.Parse(socketURL)
	require.NoError(t, err)
	network := &transport.Network{Proxy: func(*http.Request) (*url.URL, error) { return u, nil }}
	session := transport.NewSession(network, target)
	session.Jar = o.Jar
	meta := bayeux.Meta{ClientID: "canary", Error: "401:canary:Unknown client"}
	dialer := &client.Dialer{Proxy: network.Proxy}
	for name, v := range map[string]any{
		"Options": *o, "*Options": o, "Credential": cr, "*Credential": &cr, "*Dialer": dialer, "Stats": dialer.Stats(), "Policy": dialer.Policy,
		"Target": *target, "*Target": target, "*Session": session, "*Network": network,
		"Meta": meta, "*Meta": &meta, "Message": bayeux.Message{Meta: &meta},
	} {
		k.value(name, v)
		if !strings.HasPrefix(fmt.Sprintf("%T", v), "bayeux.") && name != "*Meta" { // which knows of no log
			k.logger().Info(name, "value", v)
		}
	}
}
