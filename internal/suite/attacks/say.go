package attacks

import (
	"io"
	"strings"
	"time"
)

// chunk is about how much is written at once.
const chunk = 32 << 10

// writeTo says it all, until the client has enough. The error is the writer's.
func (p Payload) writeTo(w io.Writer) error {
	if p.Slow > 0 {
		w = slow{w, p.Slow}
	}
	if err := say(w, p.Head); err != nil {
		return err
	}
	if err := p.loop(w); err != nil {
		return err
	}
	return say(w, p.Tail)
}

// loop says the Loop in large pieces: many are short.
func (p Payload) loop(w io.Writer) error {
	if p.Loop == "" {
		return nil
	}
	each := max(chunk/len(p.Loop), 1)
	if p.Times != Endless {
		each = min(each, p.Times)
	}
	piece := strings.Repeat(p.Loop, max(each, 1))
	for left := p.Times; left != 0; {
		n := each
		if left != Endless {
			n = min(each, left)
			left -= n
		}
		if err := say(w, piece[:n*len(p.Loop)]); err != nil {
			return err
		}
	}
	return nil
}

func say(w io.Writer, s string) error {
	_, err := io.WriteString(w, s)
	return err
}

// A slow writer writes byte by byte.
type slow struct {
	w     io.Writer
	pause time.Duration
}

func (s slow) Write(b []byte) (int, error) {
	for i := range b {
		if _, err := s.w.Write(b[i : i+1]); err != nil {
			return i, err
		}
		time.Sleep(s.pause)
	}
	return len(b), nil
}

// bytes is all of it, if it has an end.
func (p Payload) bytes() []byte {
	return []byte(p.Head + strings.Repeat(p.Loop, p.Times) + p.Tail)
}
