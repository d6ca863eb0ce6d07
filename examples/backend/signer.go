package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/turold/turold/client"
)

// A signer makes tokens that say who somebody is, and until when. It stands for
// what the application signs in with.
type signer []byte

func (s signer) sign(name string, until time.Time) string {
	claim := fmt.Sprintf("%s.%d", name, until.Unix())
	return claim + "." + s.mac(claim)
}

// verify returns whose a token is; empty: it is none, or expired.
func (s signer) verify(token string) string {
	end := strings.LastIndexByte(token, '.')
	if end < 0 || !hmac.Equal([]byte(token[end+1:]), []byte(s.mac(token[:end]))) {
		return ""
	}
	name, stamp, _ := strings.Cut(token[:end], ".")
	until, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || time.Now().Unix() > until {
		return ""
	}
	return name
}

func (s signer) mac(claim string) string {
	h := hmac.New(sha256.New, s)
	h.Write([]byte(claim))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// auth is the member of the handshake's ext that the Bayeux server looks at.
type auth struct {
	Auth struct {
		User  string `json:"user"`
		Token string `json:"token"`
	} `json:"auth"`
}

// credential signs a user's session in. It is asked for again before it
// expires, and whenever the server refuses it.
func (s signer) credential(name string) *client.Credential {
	const lives = 10 * time.Minute
	until := time.Now().Add(lives)
	var a auth
	a.Auth.User, a.Auth.Token = name, s.sign(name, until)
	return &client.Credential{Ext: a, Expires: until}
}
