package fallback

import (
	"time"

	"github.com/turold/turold/transport"
)

// How cuts are read.
const (
	leastLearnt  = 2 * time.Second         // of what is learnt, however short the silences that are cut
	leastSilence = 1500 * time.Millisecond // what is shorter is no silence
	margin       = 0.7                     // of a silence that was cut: the hold that is safe
	ceiling      = 0.8                     // of it: what the hold does not grow beyond for a day
	growth       = 1.25
	cleanFor     = 30 * time.Minute // without a cut, before a hold grows
	believed     = 24 * time.Hour   // so long a cut counts
	lately       = 10 * time.Minute // so long a silence that did no harm excuses one that is no longer
	certain      = 1.05             // how much longer it has to be
	alike        = 1.3              // two silences that are within it of one another have one cause
	sameAge      = 1.05             // two ages that are
	aRule        = 3                // of the same age in a row
	leastAge     = 30 * time.Second // of sockets that are worth it: those that die sooner are given up
	leaveAt      = 0.8              // of a lifetime
)

// A pace is what cuts have shown of the legs of one transport on one path: how
// long they may be silent, and how old they may become. It is a function of
// what it is told.
type pace struct {
	Hold    time.Duration `json:"hold,omitempty"`    // the longest to ask for; 0: the pipe's own
	Silence time.Duration `json:"silence,omitempty"` // the last that was cut
	Cut     time.Time     `json:"cut,omitzero"`      // and when
	Raised  time.Time     `json:"raised,omitzero"`   // when Hold last grew
	borne   time.Duration // the longest silence that one outlived lately
	borneAt time.Time
	Age     time.Duration `json:"age,omitempty"` // of the last that was cut without having been silent
	alike   int           // how many in a row were cut at about that age
	Died    time.Time     `json:"died,omitzero"`  // and when
	Life    time.Duration `json:"life,omitempty"` // how old they become; 0: nothing ends them for their age
}

// A life is one leg, as the pace sees it.
type life struct {
	opened time.Time
	heard  time.Time     // when something last passed, either way
	quiet  time.Duration // the longest silence since something last arrived
	borne  time.Duration // the longest silence that it outlived
}

// passes is told that something passes, and returns the silence before it, if
// that is known to have done no harm: only what arrives shows it.
func (l *life) passes(arrives bool, now time.Time) (silence time.Duration) {
	l.quiet, l.heard = max(l.quiet, now.Sub(l.heard)), now
	if arrives {
		silence, l.quiet = l.quiet, 0
		l.borne = max(l.borne, silence)
	}
	return silence
}

// longest is the longest hold to ask for; 0: nothing is known. It grows back
// when nothing was cut for a while.
func (p *pace) longest(now time.Time) time.Duration {
	if p.Hold == 0 || now.Sub(p.Cut) < cleanFor || now.Sub(p.Raised) < cleanFor {
		return p.Hold
	}
	p.Hold, p.Raised = time.Duration(float64(p.Hold)*growth), now
	if now.Sub(p.Cut) < believed {
		p.Hold = min(p.Hold, max(time.Duration(float64(p.Silence)*ceiling), leastLearnt))
	}
	if p.Hold >= transport.DefaultHold {
		p.Hold = 0
	}
	return p.Hold
}

// life is how old they become; 0: nobody knows of a bound.
func (p *pace) life(now time.Time) time.Duration {
	if now.Sub(p.Died) > believed {
		p.Life = 0
	}
	return p.Life
}

// bears is told of a silence that did no harm.
func (p *pace) bears(silence time.Duration, now time.Time) {
	if silence >= p.borne || now.Sub(p.borneAt) > lately {
		p.borne, p.borneAt = silence, now
	}
}

// silence is how long a leg that was cut had been silent.
func (l *life) silence(now time.Time) time.Duration { return max(l.quiet, now.Sub(l.heard)) }

// idle reports whether a silence was its end: none that is longer did harm lately.
func (p *pace) idle(l *life, now time.Time) bool {
	harmless := l.borne
	if now.Sub(p.borneAt) <= lately {
		harmless = max(harmless, p.borne)
	}
	return float64(l.silence(now)) > float64(harmless)*certain
}

// steady reports whether a silence as long was cut before. One such is chance,
// until another comes whose silence began after the first.
func (p *pace) steady(l *life, now time.Time) bool {
	return p.idle(l, now) && now.Sub(p.Cut) < believed && !l.heard.Before(p.Cut) && within(l.silence(now), p.Silence, alike)
}

// ended learns from a leg that was cut.
func (p *pace) ended(l *life, once bool, now time.Time) {
	silence, age, idle := l.silence(now), now.Sub(l.opened), p.idle(l, now)
	switch {
	case idle && silence >= leastSilence:
		p.idled(silence, p.steady(l, now), now)
	case !idle && !once && age >= leastAge:
		p.aged(age, l, now)
	}
}

func (p *pace) idled(silence time.Duration, steady bool, now time.Time) {
	if steady {
		silence = min(silence, p.Silence)
	}
	p.Silence, p.Cut, p.borne = silence, now, 0
	if steady || p.Hold > 0 && silence <= p.Hold {
		p.Hold, p.Raised = max(time.Duration(float64(silence)*margin), leastLearnt), now
	}
	if p.Hold >= transport.DefaultHold {
		p.Hold = 0
	}
}

// aged: it was cut although it had borne longer silences. Three in a row of the
// same age, each of which was opened when the one before was gone, are a rule.
func (p *pace) aged(age time.Duration, l *life, now time.Time) {
	if now.Sub(p.Died) < believed && !l.opened.Before(p.Died) && within(age, p.Age, sameAge) {
		p.alike++
	} else {
		p.alike = 1
	}
	if p.Age, p.Died = age, now; p.alike >= aRule {
		p.Life = age
	}
}

func within(a, b time.Duration, ratio float64) bool {
	return b > 0 && float64(max(a, b)) <= ratio*float64(min(a, b))
}
