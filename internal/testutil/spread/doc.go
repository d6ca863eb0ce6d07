// Package spread says how durations are spread, for programs that print figures.
// It knows nothing of the module.
package spread
