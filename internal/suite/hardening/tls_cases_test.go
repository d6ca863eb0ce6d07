package hardening

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"time"

	"github.com/stretchr/testify/require"
)

// A tlsCase is a server, and a client that trusts the authority ca.
type tlsCase struct {
	name  string
	host  string // empty: server
	set   func(ca *authority, server, client *tls.Config)
	is    func(error) bool // nil: all is well
	late  bool             // by TLS 1.3 the client is done before the server looks at its certificate, and may have begun to write
	named bool             // not by a TLS proxy: the user's ServerName holds for its certificate too
}

// says holds an error to the case.
func (tc tlsCase) says(t require.TestingT, err error) {
	if !tc.late {
		require.True(t, tc.is(err), "%v", err)
		return
	}
	// A proxy that cannot pass on what the client wrote closes both ends, and the
	// alert may be lost in it: the answer then ends before it begins.
	var broken net.Error
	require.True(t, errors.As(err, &broken) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF), "%v", err)
}

var tlsCases = []tlsCase{
	{name: "valid", set: shows(func(ca *authority) tls.Certificate { return ca.good("server") })},
	{name: "valid, by address", host: "192.0.2.7", set: shows(func(ca *authority) tls.Certificate { return ca.good("192.0.2.7") })},
	{name: "valid, with its intermediate", set: shows(func(ca *authority) tls.Certificate {
		middle := ca.below()
		return middle.issue("server", time.Now(), middle.cert)
	})},
	{name: "valid, under the name that the user gives", host: "192.0.2.7", set: func(ca *authority, server, client *tls.Config) {
		server.Certificates, client.ServerName = one(ca.good("server")), "server"
	}, named: true},
	{name: "valid, by TLS 1.2", set: func(ca *authority, server, _ *tls.Config) {
		server.Certificates, server.MaxVersion = one(ca.good("server")), tls.VersionTLS12
	}},
	{name: "self-signed, and the user checks nothing", set: func(ca *authority, server, client *tls.Config) {
		server.Certificates = one((&authority{t: ca.t}).good("other"))
		client.InsecureSkipVerify = true
	}},
	{name: "the client's certificate is wanted and there", set: func(ca *authority, server, client *tls.Config) {
		demanding(0)(ca, server, client)
		client.Certificates = one(ca.good("client"))
	}},

	{name: "expired", is: outOfDate, set: shows(func(ca *authority) tls.Certificate { return ca.issue("server", time.Now().Add(-2*time.Hour)) })},
	{name: "not yet valid", is: outOfDate, set: shows(func(ca *authority) tls.Certificate { return ca.issue("server", time.Now().Add(time.Hour)) })},
	{name: "of another", is: unverified[x509.HostnameError], set: shows(func(ca *authority) tls.Certificate { return ca.good("other") })},
	{name: "of a name, asked for by address", host: "192.0.2.7", is: unverified[x509.HostnameError],
		set: shows(func(ca *authority) tls.Certificate { return ca.good("server") })},
	{name: "of another address", host: "192.0.2.7", is: unverified[x509.HostnameError],
		set: shows(func(ca *authority) tls.Certificate { return ca.good("192.0.2.8") })},
	{name: "self-signed", is: unverified[x509.UnknownAuthorityError],
		set: shows(func(ca *authority) tls.Certificate { return (&authority{t: ca.t}).good("server") })},
	{name: "by an authority that nobody knows", is: unverified[x509.UnknownAuthorityError],
		set: shows(func(ca *authority) tls.Certificate { return newAuthority(ca.t).good("server") })},
	{name: "without its intermediate", is: unverified[x509.UnknownAuthorityError],
		set: shows(func(ca *authority) tls.Certificate { return ca.below().good("server") })},
	{name: "TLS 1.0", is: alert("protocol version not supported"), set: limited(tls.VersionTLS10)},
	{name: "TLS 1.1", is: alert("protocol version not supported"), set: limited(tls.VersionTLS11)},
	{name: "the client's certificate is wanted", is: alert("certificate required"), late: true, set: demanding(0)},
	{name: "the client's certificate is wanted, by TLS 1.2", is: alert("handshake failure"), set: demanding(tls.VersionTLS12)},
	{name: "the client's certificate is another's", is: alert("unknown certificate authority"), late: true, set: unknownClient(0)},
	{name: "the client's certificate is another's, by TLS 1.2", is: alert("unknown certificate authority"), set: unknownClient(tls.VersionTLS12)},
}

func one(c tls.Certificate) []tls.Certificate { return []tls.Certificate{c} }

func certificate(c tls.Certificate) *tls.Config { return &tls.Config{Certificates: one(c)} }

// shows is a server with the certificate that f has made.
func shows(f func(ca *authority) tls.Certificate) func(ca *authority, server, client *tls.Config) {
	return func(ca *authority, server, _ *tls.Config) { server.Certificates = one(f(ca)) }
}

// limited is a good server that speaks nothing newer.
func limited(version uint16) func(ca *authority, server, client *tls.Config) {
	return func(ca *authority, server, _ *tls.Config) {
		server.Certificates, server.MinVersion, server.MaxVersion = one(ca.good("server")), tls.VersionTLS10, version
	}
}

// demanding is a good server that wants a certificate of the client's; 0: by
// any version.
func demanding(version uint16) func(ca *authority, server, client *tls.Config) {
	return func(ca *authority, server, _ *tls.Config) {
		server.Certificates = one(ca.good("server"))
		server.ClientAuth, server.ClientCAs, server.MaxVersion = tls.RequireAndVerifyClientCert, ca.pool, version
	}
}

// unknownClient has one that the server does not trust, though it is by an
// authority of the same name.
func unknownClient(version uint16) func(ca *authority, server, client *tls.Config) {
	return func(ca *authority, server, client *tls.Config) {
		demanding(version)(ca, server, client)
		client.Certificates = one(newAuthority(ca.t).good("client"))
	}
}

// unverified reports that the client did not take the certificate, for a reason.
func unverified[E error](err error) bool {
	var v *tls.CertificateVerificationError
	var why E
	return errors.As(err, &v) && errors.As(err, &why)
}

func outOfDate(err error) bool {
	var why x509.CertificateInvalidError
	return unverified[x509.CertificateInvalidError](err) && errors.As(err, &why) && why.Reason == x509.Expired
}

// alert reports that the other end ended the handshake with an alert, for
// which crypto/tls has no type of its own: not what net/http wraps around it.
func alert(text string) func(error) bool {
	return func(err error) bool {
		for e := (*net.OpError)(nil); errors.As(err, &e); err = e.Err {
			if e.Op == "remote error" && e.Err.Error() == "tls: "+text {
				return true
			}
		}
		return false
	}
}
