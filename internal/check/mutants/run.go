package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// longest is how long one run of tests, or of schedules, may take. What hangs is
// noticed.
const longest = 8 * time.Minute

var (
	failedSeed = regexp.MustCompile(`(?m)^failed: (\d+)$`)
	failedTest = regexp.MustCompile(`(?m)^\s*--- FAIL: (\w+)`)
	running    = regexp.MustCompile(`(?m)^\s*(?:panic: test timed out|running tests:\s*\n\s*)(Test\w+)`)
)

// everything is the pattern of all tests.
const everything = "."

// run runs a command and returns what it wrote, and whether it failed.
func run(name string, args ...string) (out []byte, failed bool, err error) {
	return runIn(func(*exec.Cmd) {}, name, args...)
}

// runIn is run with a command that is set up first.
func runIn(setUp func(*exec.Cmd), name string, args ...string) (out []byte, failed bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = 10 * time.Second
	setUp(cmd)
	out, err = cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) || ctx.Err() != nil {
		return out, true, nil
	}
	return out, false, err
}

// simulate plays schedules until one fails, and returns how many that took at
// most; 0: none failed.
func (m *mutant) simulate(seeds int) (within int, err error) {
	sim := filepath.Join(filepath.Dir(m.overlay), "sim")
	if out, failed, err := run("go", "build", "-overlay", m.overlay, "-o", sim, "./internal/check/sim"); err != nil || failed {
		return 0, fmt.Errorf("%s does not build: %w\n%s", m.name, err, out)
	}
	for first, n := 1, 10; first <= seeds; first, n = first+n, 4*n {
		n = min(n, seeds-first+1)
		out, failed, err := run(sim, "-first", strconv.Itoa(first), "-seeds", strconv.Itoa(n))
		if err != nil {
			return 0, err
		}
		if seed := failedSeed.FindSubmatch(out); seed != nil {
			return strconv.Atoi(string(seed[1]))
		}
		if failed { // it panicked or hung, and does not say in which
			return first + n - 1, nil
		}
	}
	return 0, nil
}

// test runs the tests until one fails, and returns its package and name; empty:
// none did.
func (m *mutant) test() (pkg, name string, err error) {
	for _, pkg := range m.packages() {
		name, err := m.fails(pkg, everything)
		if name != "" || err != nil {
			return pkg, name, err
		}
	}
	return "", "", nil
}

// fails runs tests of one package and returns the first that fails.
func (m *mutant) fails(pkg, pattern string) (name string, err error) {
	out, failed, err := run("go", "test", "-overlay", m.overlay, "-vet=off", "-failfast", "-timeout", patience(pattern), "-run", pattern, pkg)
	switch {
	case err != nil || !failed:
		return "", err
	case bytes.Contains(out, []byte("[build failed]")):
		return "", fmt.Errorf("%s does not build:\n%s", m.name, out)
	}
	return failure(out, pkg, pattern)
}

// failure is the name of the test that failed first.
func failure(out []byte, pkg, pattern string) (name string, err error) {
	if bytes.Contains(out, []byte("no tests to run")) {
		return "", fmt.Errorf("%s has no test %s", pkg, pattern)
	}
	for _, about := range []*regexp.Regexp{failedTest, running} {
		if name := about.FindSubmatch(out); name != nil {
			return string(name[1]), nil
		}
	}
	return whole, nil
}

// patience is how long tests may run: what hangs is noticed too.
func patience(pattern string) string {
	if pattern == everything {
		return "5m"
	}
	return "1m"
}
