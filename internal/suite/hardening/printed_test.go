package hardening

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
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
	network := &transport.SharedConfig{Proxy: func(*http.Request) (*url.URL, error) { return u, nil }}
	session := transport.NewSessionConfig(network, target)
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

// TestMaskedErrorsKeepTheirKind, though the words by which it is found are the
// session's secrets.
func TestMaskedErrorsKeepTheirKind(t *testing.T) {
	for said, kind := range map[string]error{
		"402::session_unknown": bayeux.ErrUnknownSession, "403::publish_denied": bayeux.ErrForbidden, "500:secret-1,x:broken secret-1": bayeux.ErrFailed,
	} {
		for _, mode := range modes {
			onStage(t, mode, &bayeuxtest.Options{Authorize: func(_ *http.Request, m bayeux.Message) string {
				if m.Channel == "/a" {
					return said
				}
				return ""
			}}, func(s *stage) {
				s.serve("server:80", nil, s.server)
				c, err := s.dialer.Dial(s.Context(), "http://server/cometd", &client.Options{
					Header: http.Header{"X-Words": {"session_unknown, publish_denied; secret-1"}, "Cookie": {"session=x"}},
				})
				require.NoError(s, err)
				err = c.Publish(s.Context(), "/a", 1)
				require.ErrorIs(s, err, kind)
				var e *bayeux.Error
				require.ErrorAs(s, err, &e)
				for _, secret := range []string{"session_unknown", "publish_denied", "secret-1"} {
					require.NotContains(s, strings.Join(append(e.Args, e.Error(), e.Raw, e.Text), " "), secret)
				}
			})
		}
	}
}
