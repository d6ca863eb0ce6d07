package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// folder is where the patches are, from the root of the module.
const folder = "internal/mutants/testdata"

// A mutant is a planted defect.
type mutant struct {
	name, what string
	file       string // that it changes, from the root
	overlay    string // for the go command
}

// all reads the patches whose name begins with a prefix, and applies each to a
// copy below dir.
func all(ctx context.Context, dir, prefix string) ([]mutant, error) {
	paths, err := filepath.Glob(filepath.Join(folder, prefix+"*.patch"))
	if err != nil || len(paths) == 0 {
		return nil, fmt.Errorf("no patch %s/%s*: %w", folder, prefix, err)
	}
	var ms []mutant
	for _, path := range paths {
		m, err := apply(ctx, dir, path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		ms = append(ms, m)
	}
	return ms, nil
}

func apply(ctx context.Context, dir, path string) (m mutant, err error) {
	patch, err := os.ReadFile(path)
	if err != nil {
		return m, err
	}
	m.name = strings.TrimSuffix(filepath.Base(path), ".patch")
	what, diff, _ := strings.Cut(string(patch), "\n\n")
	m.what = what
	_, rest, ok := strings.Cut(diff, "\n+++ b/")
	if !ok {
		return m, fmt.Errorf("there is no unified diff behind the first empty line")
	}
	m.file, _, _ = strings.Cut(rest, "\n")
	own := filepath.Join(dir, m.name)
	changed := filepath.Join(own, m.file)
	source, err := os.ReadFile(m.file)
	if err != nil {
		return m, err
	}
	if err := os.MkdirAll(filepath.Dir(changed), 0o755); err != nil {
		return m, err
	}
	if err := os.WriteFile(changed, source, 0o644); err != nil {
		return m, err
	}
	git := exec.CommandContext(ctx, "git", "apply", "-")
	git.Dir, git.Stdin = own, strings.NewReader(diff)
	if out, err := git.CombinedOutput(); err != nil {
		return m, fmt.Errorf("git apply: %s", bytes.TrimSpace(out))
	}
	return m, m.lay(own, changed)
}

// lay writes the overlay: the changed file in the place of its source.
func (m *mutant) lay(own, changed string) error {
	source, err := filepath.Abs(m.file)
	if err != nil {
		return err
	}
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{source: changed}})
	if err != nil {
		return err
	}
	m.overlay = filepath.Join(own, "overlay.json")
	return os.WriteFile(m.overlay, text, 0o644)
}

// packages are those whose tests should notice, the nearest first.
func (m *mutant) packages() []string {
	own := "./" + filepath.ToSlash(filepath.Dir(m.file))
	switch {
	case strings.HasPrefix(own, "./bayeux"), own == "./client":
		return []string{own}
	case own == "./fallback":
		return []string{own, "./client"}
	case own == "./transport":
		return []string{own, "./transport/websocket", "./transport/longpoll", "./fallback", "./client"}
	default:
		return []string{own, "./fallback", "./client"}
	}
}
