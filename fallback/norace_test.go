//go:build !race

package fallback_test

const raced = false
