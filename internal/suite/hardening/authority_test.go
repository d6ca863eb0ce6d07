package hardening

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// An authority issues certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool // of itself alone
}

// newAuthority is a root, of its own kind: no two have the same key.
func newAuthority(t *testing.T) *authority { return (&authority{t: t}).below() }

// below is an authority that this one vouches for; of the zero one, a root.
func (a *authority) below() *authority {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1000 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	template.Subject.CommonName = "authority"
	if a.cert != nil {
		template.Subject.CommonName = "intermediate"
	}
	b := &authority{t: a.t, pool: x509.NewCertPool()}
	b.cert, b.key = a.sign(template)
	b.pool.AddCert(b.cert)
	return b
}

// sign makes a certificate by a template, which signs itself if nobody else does.
func (a *authority) sign(template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	parent, by := a.cert, a.key
	if parent == nil {
		parent, by = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
	require.NoError(a.t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(a.t, err)
	return cert, key
}

// issue makes a certificate for a host, a name or an address, that is valid
// for an hour from a moment; more are sent along with it.
func (a *authority) issue(host string, from time.Time, more ...*x509.Certificate) tls.Certificate {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: from, NotAfter: from.Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	cert, key := a.sign(template)
	issued := tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
	for _, c := range more {
		issued.Certificate = append(issued.Certificate, c.Raw)
	}
	return issued
}

// good is a certificate that is valid now.
func (a *authority) good(host string) tls.Certificate {
	return a.issue(host, time.Now().Add(-time.Minute))
}
