package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/turold/turold/bench/peers"
	"github.com/turold/turold/interop/servers"
)

// A program is a peer's: how it is built, and run in what was built.
type program struct {
	servers.Program
	runs    servers.Tool
	on      string // what precedes the tool's version
	command func(dir string) []string
	built   func() (string, error) // once
}

// programs are by the peer's name. Turold's process is this program.
var programs = map[string]*program{
	java: once(&program{
		Program: servers.JavaProgram("peer-java", folder(peers.Java, "java")), runs: servers.JRE,
		command: func(dir string) []string { return servers.JavaCommand(dir, "Peer") },
	}),
	js: once(&program{
		Program: servers.NodeProgram("peer-js", folder(peers.JavaScript, "js")), runs: servers.Node, on: "Node.js ",
		command: func(dir string) []string { return []string{"node", "--expose-gc", filepath.Join(dir, "peer.js")} },
	}),
}

func once(p *program) *program {
	p.built = sync.OnceValues(p.Built)
	return p
}

func folder(of fs.FS, name string) fs.FS {
	f, err := fs.Sub(of, name)
	if err != nil {
		panic(err)
	}
	return f
}

// A leftOut is the error of what cannot be measured here, for want of a tool.
type leftOut struct {
	who string
	why error
}

func (l *leftOut) Error() string { return l.who + " was left out: " + l.why.Error() }

func (l *leftOut) Unwrap() error { return l.why }

// A meeting is the server that peers are measured against, one for a whole
// comparison.
type meeting struct {
	server *servers.Server // nil: it is not started yet
	taken  int
}

func (m *meeting) start() (err error) {
	if m.server != nil {
		return nil
	}
	if err := servers.CometDLasting.Missing(); err != nil {
		return &leftOut{"everyone, for CometD's server", err}
	}
	// Node.js has one jar of cookies for all sessions; CometD takes those of one cookie for tabs of a browser.
	m.server, err = servers.CometDLasting.Start("record=false", "maxSessionsPerBrowser=-1")
	return err
}

func (m *meeting) stop() {
	if m.server != nil {
		m.server.Stop()
	}
}

// take makes one measurement of a peer.
func (m *meeting) take(ctx context.Context, p params) (figures, error) {
	if err := m.start(); err != nil {
		return nil, err
	}
	command := []string{os.Args[0], "measure"}
	if peer := programs[p.Peer]; peer != nil {
		if err := peer.Missing(); err != nil {
			return nil, &leftOut{p.Peer, err}
		}
		dir, err := peer.built()
		if err != nil {
			return nil, err
		}
		command = peer.command(dir)
	}
	if _, err := m.server.Forget(); err != nil { // those of the process before
		return nil, err
	}
	m.taken++
	p.URL, p.Channel, p.Text = m.server.URL(), fmt.Sprint("/bench/", m.taken), strings.Repeat("x", padding)
	return measureIn(ctx, p, command...)
}

// padding makes an event of 252 bytes, give or take the digits of its number.
const padding = 252 - len(`{"channel":"/bench/10","data":{"n":100,"text":""}}`)

// remark is a line for the report about who was measured, or why not.
func remark(peer string, err error) string {
	var left *leftOut
	switch {
	case errors.As(err, &left):
		return left.Error() + "."
	case err == nil && programs[peer] != nil:
		return peer + " ran on " + programs[peer].on + programs[peer].runs.Version() + "."
	}
	return ""
}
