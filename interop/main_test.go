package interop_test

import (
	"flag"
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if job := os.Getenv(childEnv); job != "" {
		os.Exit(work(job))
	}
	flag.Parse()
	_ = flag.Set("test.parallel", "8") // those that run side by side wait most of their time
	goleak.VerifyTestMain(m)
}
