// Package testnet is what tests of the pipes put between them and a server:
// certificates, answers to an upgrade, and proxies that open tunnels.
package testnet

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Certify returns the TLS settings of a server of that name, and those of
// clients that trust it and nobody else. It panics if there is no randomness.
func Certify(name string) (server, client *tls.Config) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1000 * time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	must(err)
	parsed, err := x509.ParseCertificate(der)
	must(err)
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, &tls.Config{RootCAs: roots}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// Tunnel serves one connection as a proxy that gives an answer to CONNECT, and
// joins the two ends if that begins with 200. It keeps the request in seen.
func Tunnel(dial func(ctx context.Context, network, addr string) (net.Conn, error), answer string, seen *http.Request) func(net.Conn) {
	return func(c net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		*seen = *r
		_, _ = io.WriteString(c, answer)
		if strings.HasPrefix(answer, "HTTP/1.1 200") {
			if to, err := dial(context.Background(), "tcp", r.Host); err == nil {
				Join(c, to)
			}
		}
	}
}

// Switching is the head of the 101 that accepts a request for a WebSocket
// (RFC 6455 section 4.2.2), with more lines of header, each with its CRLF.
func Switching(r *http.Request, more string) string {
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
		base64.StdEncoding.EncodeToString(sum[:]) + "\r\n" + more + "\r\n"
}

// Join copies both ways until one of the two ends, and closes both.
func Join(a, b net.Conn) {
	var all sync.WaitGroup
	for _, d := range [][2]net.Conn{{a, b}, {b, a}} {
		all.Go(func() {
			_, _ = io.Copy(d[0], d[1])
			_ = a.Close()
			_ = b.Close()
		})
	}
	all.Wait()
}
