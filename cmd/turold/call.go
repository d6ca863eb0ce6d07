package main

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/turold/turold/bayeux"
)

type call struct {
	flags
	URL    string `arg:"" name:"url" help:"The server's address."`
	Target string `arg:"" help:"The procedure: a name, which /service/ is put before, or a whole channel."`
	JSON   string `arg:"" optional:"" name:"json" default:"{}" help:"The arguments. Default: {}."`
}

// Run prints the data of the reply.
func (c *call) Run(ctx context.Context, std stdio) error {
	if !bayeux.ValidValue([]byte(c.JSON)) {
		return errNotJSON
	}
	ctx, cancel := c.within(ctx)
	defer cancel()
	session, leave, err := c.dial(ctx, std, c.URL)
	if err != nil {
		return untaken(err)
	}
	defer leave()
	reply, err := session.Call(ctx, c.Target, json.RawMessage(c.JSON))
	if err != nil {
		return err
	}
	var line bytes.Buffer
	if err := json.Compact(&line, reply.Data); err != nil {
		line.WriteString("null")
	}
	line.WriteByte('\n')
	_, err = std.out.Write(line.Bytes())
	return err
}
