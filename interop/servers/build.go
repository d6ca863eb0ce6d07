package servers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

// buildTime is enough to fetch everything over a slow line.
const buildTime = 8 * time.Minute

// A Program is built from its source once, with tools that must be installed.
type Program struct {
	Name   string
	Source fs.FS
	Tools  []Tool
	Build  []string // run in a copy of the source
}

// Missing is an error that says what to install, nil where every tool is there.
func (p *Program) Missing() error { return check(p.Tools...) }

// Built returns the directory in which the program was built, building it if
// that was never done.
func (p *Program) Built() (dir string, err error) {
	if err := p.Missing(); err != nil {
		return "", err
	}
	return built(p.Name, p.Source, p.Build...)
}

// built returns the directory in which source was built by command, building
// it if that was never done. Two processes that build at the same time do the
// work twice, and one result is kept.
func built(name string, source fs.FS, command ...string) (dir string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil { // no home directory
		cache = os.TempDir()
	}
	cache = filepath.Join(cache, "turold-interop")
	sum, err := hash(source)
	if err != nil {
		return "", err
	}
	dir = filepath.Join(cache, name+"-"+sum)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	fresh, err := os.MkdirTemp(cache, "building-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(fresh) }()
	if err := os.CopyFS(fresh, source); err != nil {
		return "", err
	}
	if err := run(fresh, command...); err != nil {
		return "", fmt.Errorf("servers: %s cannot be built; the first build needs a network with a registry, the next ones do not: %w", name, err)
	}
	if err := os.Rename(fresh, dir); err != nil {
		if _, there := os.Stat(dir); there != nil {
			return "", err
		}
	}
	return dir, nil
}

// hash is of all names and contents.
func hash(source fs.FS) (string, error) {
	sum := sha256.New()
	err := fs.WalkDir(source, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := source.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		fmt.Fprintf(sum, "%s\x00", path)
		_, err = io.Copy(sum, f)
		return err
	})
	return hex.EncodeToString(sum.Sum(nil)[:6]), err
}

// run runs a program to its end in dir. Its children die with it. It keeps the
// thread that starts the program, see dieWithParent.
func run(dir string, command ...string) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, cancel := context.WithTimeout(context.Background(), buildTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = dir
	own(cmd)
	cmd.Cancel = func() error { return killGroup(cmd.Process) }
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", command[0], err, tail(string(out)))
	}
	return nil
}
