package main

import (
	"os"

	"github.com/turold/turold/internal/check/stress/engine"
)

func main() { os.Exit(engine.Main(os.Args[1:], &server{})) }
