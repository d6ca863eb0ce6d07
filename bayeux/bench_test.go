package bayeux

import (
	"strings"
	"testing"
)

const (
	eventFrame   = `[{"data":{"n":1,"price":12.5,"name":"ACME"},"channel":"/stock/ACME"}]`
	connectReply = `[{"advice":{"interval":0,"timeout":30000,"reconnect":"retry"},"channel":"/meta/connect","id":"3","successful":true}]`
)

func hundred() string {
	return "[" + strings.TrimSuffix(strings.Repeat(eventFrame[1:len(eventFrame)-1]+",", 100), ",") + "]"
}

func BenchmarkDecode(b *testing.B) {
	for name, in := range map[string]string{
		"event":      eventFrame,
		"connect":    connectReply,
		"hundred":    hundred(),
		"large data": `[{"channel":"/a","data":"` + strings.Repeat("x", 64<<10) + `"}]`,
	} {
		b.Run(name, func(b *testing.B) {
			in := []byte(in)
			b.ReportAllocs()
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				if _, err := Decode(in, Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	for name, in := range map[string]string{"event": eventFrame, "connect": connectReply, "hundred": hundred()} {
		b.Run(name, func(b *testing.B) {
			ms, err := Decode([]byte(in), Limits{})
			if err != nil {
				b.Fatal(err)
			}
			var buf []byte
			b.ReportAllocs()
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				buf = Append(buf[:0], ms)
			}
		})
	}
}

func BenchmarkPatterns(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		for p := range Channel("/stock/nasdaq/ACME").Patterns {
			_ = p
		}
	}
}
