package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A change is one of the Go runtime's text.
type change struct{ file, from, to string }

// runtimeOf is the release of Go whose runtime changes are made for.
const runtimeOf = "go1.26"

// changes take out of the runtime what makes two runs of a schedule differ: the
// order of map iteration, of select, and of timers that fire at once, and the
// numbers of math/rand come from the bubble's own source, which begins alike in
// each; a goroutine that runs for long is not interrupted; and a mutex is fair by
// virtual time.
var changes = []change{
	{"synctest.go", "	active  int // other sources of activity\n", "	active  int // other sources of activity\n	chance  uint64\n"},
	{"synctest.go", "	gp.bubble = bubble\n", "	gp.bubble = bubble\n	gp.m.p.ptr().schedtick = 0\n"},
	{"rand.go", "	mp := getg().m\n	c := &mp.chacha8\n", `	if b := getg().bubble; b != nil {
		b.chance += 0xa0761d6478bd642f
		hi, lo := math.Mul64(b.chance, b.chance^0xe7037ed1a0b428db)
		return hi ^ lo
	}
	mp := getg().m
	c := &mp.chacha8
`},
	{"select.go", "cheaprandn(uint32(norder + 1))", "randn(uint32(norder + 1))"},
	{"time.go", "t.rand = cheaprand()", "t.rand = uint32(rand())"},
	{"proc.go", "func retake(now int64) uint32 {\n", "func retake(now int64) uint32 {\n	if gomaxprocs == 1 {\n		return 0\n	}\n"},
	{"alg.go", "		key[i] = bootstrapRand()\n", "		key[i] = uint64(i)\n"},
	{"sema.go", "func internal_sync_nanotime() int64 {\n", "func internal_sync_nanotime() int64 {\n	if b := getg().bubble; b != nil {\n		return b.now\n	}\n"},
}

// chanceless is not empty in a program that replay has built.
var chanceless string

// replay plays by a runtime without chance, each seed in a process of its own and
// on one processor, so that a seed plays alike each time.
func (o options) replay(to io.Writer) (failed []uint64, err error) {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	dir, err := os.MkdirTemp("", "sim")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	overlay, err := lay(ctx, dir)
	if err != nil {
		return nil, err
	}
	program := filepath.Join(dir, "sim")
	build := exec.CommandContext(ctx, "go", "build", "-overlay", overlay, "-ldflags", "-X main.chanceless=yes -X testing.testBinary=1", "-o", program, "./internal/check/sim")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, err
	}
	begun, total := time.Now(), newTally()
	var next, played atomic.Uint64
	var mu sync.Mutex
	var wg sync.WaitGroup
	next.Store(o.first)
	for range o.workers {
		wg.Go(func() {
			for seed := next.Add(1) - 1; seed < o.first+o.seeds && ctx.Err() == nil; seed = next.Add(1) - 1 {
				play := exec.CommandContext(ctx, program, "-first", strconv.FormatUint(seed, 10), "-seeds", "1", "-workers", "1", fmt.Sprintf("-v=%v", o.verbose), fmt.Sprintf("-digests=%v", o.digests))
				play.Env = append(os.Environ(), "GOMAXPROCS=1", "GODEBUG=asyncpreemptoff=1", "GOGC=off")
				out, bad := play.CombinedOutput()
				if ctx.Err() != nil {
					return
				}
				played.Add(1)
				total.read(out)
				mu.Lock()
				if bad != nil {
					failed = append(failed, seed)
				}
				if bad != nil || o.verbose || o.digests {
					_, _ = to.Write(out)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	print(to, played.Load(), time.Since(begun), failed, total)
	return failed, nil
}

// read adds what another process has counted and printed.
func (t *tally) read(out []byte) {
	for _, line := range counted.FindAllSubmatch(out, -1) {
		n, _ := strconv.Atoi(string(line[1]))
		t.count(string(line[2]), n)
	}
}

var counted = regexp.MustCompile(`(?m)^ *(\d+)  (\S.*)$`)

// lay changes copies of the runtime's files, and returns the overlay that puts
// them in their place.
func lay(ctx context.Context, dir string) (overlay string, err error) {
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", err
	}
	source := filepath.Join(strings.TrimSpace(string(root)), "src", "runtime")
	texts := map[string]string{}
	for _, c := range changes {
		if _, read := texts[c.file]; !read {
			text, err := os.ReadFile(filepath.Join(source, c.file))
			if err != nil {
				return "", err
			}
			texts[c.file] = string(text)
		}
		if strings.Count(texts[c.file], c.from) != 1 {
			return "", fmt.Errorf("the runtime of this Go is another: %s has no single %q", c.file, c.from)
		}
		texts[c.file] = strings.Replace(texts[c.file], c.from, c.to, 1)
	}
	replace := map[string]string{}
	for file, text := range texts {
		changed := filepath.Join(dir, file)
		if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[filepath.Join(source, file)] = changed
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o600)
}
