//go:build !unix

package servers

import (
	"errors"
	"os"
	"os/exec"
)

func own(*exec.Cmd) {}

func killGroup(p *os.Process) error { return p.Kill() }

func pause(*os.Process) error { return errors.ErrUnsupported }

func resume(*os.Process) error { return errors.ErrUnsupported }
