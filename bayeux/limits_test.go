package bayeux

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLimitsDefaults(t *testing.T) {
	require.Equal(t, Limits{Bytes: 1 << 20, Messages: 20_000, Depth: 128}, Limits{}.WithDefaults())
	require.Equal(t, Limits{Bytes: 1, Messages: 2, Depth: 3}, Limits{1, 2, 3}.WithDefaults())
}

func TestDecodeLimits(t *testing.T) {
	nested := func(n int) string {
		return `[{"data":` + strings.Repeat("[", n-2) + strings.Repeat("]", n-2) + "}]"
	}
	for _, c := range []struct {
		name, in string
		l        Limits
		ok       bool
	}{
		{"bytes at the limit", `[{}]`, Limits{Bytes: 4}, true},
		{"bytes beyond", `[{}] `, Limits{Bytes: 4}, false},
		{"messages at the limit", `[{},{}]`, Limits{Messages: 2}, true},
		{"messages beyond", `[{},{},{}]`, Limits{Messages: 2}, false},
		{"messages by default", `[` + strings.Repeat("{},", 9_999) + `{}]`, Limits{}, true},
		{"messages beyond the default", `[` + strings.Repeat("{},", 20_000) + `{}]`, Limits{}, false},
		{"objects in data are no messages", `[{"data":[{},{},{}]}]`, Limits{Messages: 1}, true},
		{"a message alone", `{}`, Limits{Messages: 1}, true},
		{"depth at the limit", nested(128), Limits{}, true},
		{"depth beyond", nested(129), Limits{}, false},
		{"depth in ext", `{"ext":[[]]}`, Limits{Depth: 3}, true},
		{"depth in ext beyond", `{"ext":[[[]]]}`, Limits{Depth: 3}, false},
		{"depth of the batch itself", `[{}]`, Limits{Depth: 1}, false},
		{"brackets in strings are no depth", `[{"data":"` + strings.Repeat(`[\"{\\`, 200) + `"}]`, Limits{}, true},
		{"brackets side by side are no depth", `[{"data":[` + strings.Repeat("[],", 200) + `[]]}]`, Limits{}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			ms, err := Decode([]byte(c.in), c.l)
			if strings.HasPrefix(c.name, "depth") { // that is one message's
				require.NoError(t, err)
				require.Len(t, ms, 1)
				err = ms[0].Unreadable()
			} else if !c.ok {
				require.Nil(t, ms)
			}
			if c.ok {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, ErrTooLarge)
		})
	}
}

// A megabyte of the worst costs a bounded multiple of a megabyte.
func TestDecodeAllocationIsBounded(t *testing.T) {
	many := func(n int, f func(i int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(f(i) + ",")
		}
		return strings.TrimSuffix(b.String(), ",")
	}
	same := func(s string) func(int) string { return func(int) string { return s } }
	sections := "{" + many(16, func(i int) string { return fmt.Sprintf(`"%x":{"timeout":1}`, i) }) + "}"
	for name, in := range map[string]string{
		"messages":         `[` + many(20_000, same(`{"version":1}`)) + `]`,
		"messages, broken": `[` + strings.Repeat("{}", 500_000),
		"unreadable":       `[` + many(15_000, same(`{"a":"`+strings.Repeat("x", 30)+`","channel":"/abcd"x}`)) + `]`,
		"unreadable names": `[` + many(15_000, same(`{"channel":"/`+strings.Repeat("x", 30)+`","id":NaN}`)) + `]`,
		"open brackets":    strings.Repeat("[", 1<<20),
		"open objects":     `[` + strings.Repeat(`{"a":`, 200_000),
		"closed brackets":  `[{"data":` + strings.Repeat("[", 500_000) + strings.Repeat("]", 500_000) + `}]`,
		"bad members":      `[{"x":NaN,` + many(130_000, same(`"id":1`)) + `}]`,
		"advice":           `[` + many(20_000, same(`{"advice":{"timeout":1,"interval":1}}`)) + `]`,
		"sections":         `[` + many(3_400, same(`{"advice":`+sections+`}`)) + `]`,
		"empty sections":   `[{"advice":{` + many(100_000, func(i int) string { return fmt.Sprintf(`"%x":{}`, i) }) + `}}]`,
		"more sections":    `[{"advice":{` + many(40_000, func(i int) string { return fmt.Sprintf(`"%x":{"timeout":1}`, i) }) + `}}]`,
		"hosts":            `[{"advice":{"hosts":[` + many(340_000, same(`""`)) + `]}}]`,
		"hosts repeated":   `[{"advice":{` + many(60_000, same(`"hosts":[""]`)) + `}}]`,
		"subscriptions":    `[{"subscription":[` + many(340_000, same(`""`)) + `]}]`,
		"escaped keys":     `[{` + many(90_000, same(`"\u0061":1`)) + `}]`,
		"escaped text":     `[{"error":"` + strings.Repeat(`\u0000`, 170_000) + `"}]`,
		"a long number":    `[{"advice":{"interval":` + strings.Repeat("9", 1_000_000) + `}}]`,
		"commas":           `[{"successful":false,"error":"400:` + strings.Repeat(",", 1_000_000) + `:x"}]`,
	} {
		t.Run(name, func(t *testing.T) {
			b := []byte(in)
			require.LessOrEqual(t, len(b), 1<<20)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			ms, _ := Decode(b, Limits{})
			for i := range ms {
				_ = ms[i].Err()
			}
			runtime.ReadMemStats(&after)
			cost := float64(after.TotalAlloc-before.TotalAlloc) / (1 << 20)
			t.Logf("%.1f MiB for %.1f", cost, float64(len(b))/(1<<20))
			require.Less(t, cost, 40.0)
		})
	}
}
