package main

import "testing"

func silence(t *testing.T, n int) {}
