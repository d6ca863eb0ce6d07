package fallback

import (
	"time"

	"github.com/turold/turold/transport"
)

// How long silences and ages that were cut are read.
const (
	minLearnedHold   = 2 * time.Second         // the shortest hold that is learnt, however short the silences that are cut
	minSilence       = 1500 * time.Millisecond // a shorter one shows nothing
	safeHoldRatio    = 0.7                     // the hold that is safe, of a silence that was cut
	holdCeilingRatio = 0.8                     // what the hold does not grow beyond for a day, of that silence
	holdGrowthRatio  = 1.25
	holdGrowthPause  = 30 * time.Minute // how long nothing is cut before a hold grows
	cutExpiry        = 24 * time.Hour   // how long a cut counts
	recentWindow     = 10 * time.Minute // how long a silence that did no harm excuses one that is no longer
	longerRatio      = 1.05             // how much longer a silence is than a harmless one to be the cause of a cut
	similarRatio     = 1.3              // two silences within this ratio of one another have one cause
	sameAgeRatio     = 1.05             // two ages within this ratio have one cause
	confirmations    = 3                // how many cuts at the same age in a row are a rule
	minLifetime      = 30 * time.Second // sockets that die younger are a failure, not a rule
	rotationRatio    = 0.8              // the part of a lifetime after which a socket is left
)

// A learned is what cuts have shown of the legs of one transport on one path: how
// long they may be silent, and how old they may become. It is a function of
// its calls.
type learned struct {
	Hold             time.Duration `json:"hold,omitempty"`    // the longest hold to ask for; 0: the pipe's own
	Silence          time.Duration `json:"silence,omitempty"` // the last silence that was cut
	Cut              time.Time     `json:"cut,omitzero"`      // and when
	Raised           time.Time     `json:"raised,omitzero"`   // when Hold last grew
	longestSilence   time.Duration // the longest silence that a leg outlived lately
	longestSilenceAt time.Time
	Age              time.Duration `json:"age,omitempty"` // of the last leg that was cut without having been silent
	sameAgeCount     int           // how many legs in a row were cut at about that age
	Died             time.Time     `json:"died,omitzero"`  // and when
	Life             time.Duration `json:"life,omitempty"` // the age at which legs are cut; 0: nothing cuts them for their age
}

// A legLife is one leg, as the pace sees it.
type legLife struct {
	openedAt     time.Time
	trafficAt    time.Time     // when something last passed, either way
	silenceSoFar time.Duration // the longest silence since something last arrived
	survived     time.Duration // the longest silence that it outlived
}

// onTraffic notes that something passes, and returns the silence before it, if that is
// known to have done no harm: only what arrives shows it.
func (l *legLife) onTraffic(arrives bool, now time.Time) (silence time.Duration) {
	l.silenceSoFar, l.trafficAt = max(l.silenceSoFar, now.Sub(l.trafficAt)), now
	if arrives {
		silence, l.silenceSoFar = l.silenceSoFar, 0
		l.survived = max(l.survived, silence)
	}
	return silence
}

// holdLimit is the longest hold to ask for; 0: nothing is known. It grows back
// when nothing was cut for a while.
func (p *learned) holdLimit(now time.Time) time.Duration {
	if p.Hold == 0 || now.Sub(p.Cut) < holdGrowthPause || now.Sub(p.Raised) < holdGrowthPause {
		return p.Hold
	}
	p.Hold, p.Raised = time.Duration(float64(p.Hold)*holdGrowthRatio), now
	if now.Sub(p.Cut) < cutExpiry {
		p.Hold = min(p.Hold, max(time.Duration(float64(p.Silence)*holdCeilingRatio), minLearnedHold))
	}
	if p.Hold >= transport.DefaultHold {
		p.Hold = 0
	}
	return p.Hold
}

// lifetime is the age at which legs are cut; 0: no bound is known.
func (p *learned) lifetime(now time.Time) time.Duration {
	if now.Sub(p.Died) > cutExpiry {
		p.Life = 0
	}
	return p.Life
}

// recordSilence notes a silence that did no harm.
func (p *learned) recordSilence(silence time.Duration, now time.Time) {
	if silence >= p.longestSilence || now.Sub(p.longestSilenceAt) > recentWindow {
		p.longestSilence, p.longestSilenceAt = silence, now
	}
}

// silenceAt is how long a leg that was cut had been silent.
func (l *legLife) silenceAt(now time.Time) time.Duration {
	return max(l.silenceSoFar, now.Sub(l.trafficAt))
}

// diedSilent reports whether its silence ended a leg: no other as long did no harm lately.
func (p *learned) diedSilent(l *legLife, now time.Time) bool {
	harmless := l.survived
	if now.Sub(p.longestSilenceAt) <= recentWindow {
		harmless = max(harmless, p.longestSilence)
	}
	return float64(l.silenceAt(now)) > float64(harmless)*longerRatio
}

// repeatsCut reports whether a silence as long was cut before. One such is chance,
// until another comes whose silence began after the first.
func (p *learned) repeatsCut(l *legLife, now time.Time) bool {
	return p.diedSilent(l, now) && now.Sub(p.Cut) < cutExpiry && !l.trafficAt.Before(p.Cut) && isWithin(l.silenceAt(now), p.Silence, similarRatio)
}

// recordCut learns from a leg that was cut.
func (p *learned) recordCut(l *legLife, once bool, now time.Time) {
	silence, age, idle := l.silenceAt(now), now.Sub(l.openedAt), p.diedSilent(l, now)
	switch {
	case idle && silence >= minSilence:
		p.recordSilentDeath(silence, p.repeatsCut(l, now), now)
	case !idle && !once && age >= minLifetime:
		p.recordAgeDeath(age, l, now)
	}
}

func (p *learned) recordSilentDeath(silence time.Duration, steady bool, now time.Time) {
	if steady {
		silence = min(silence, p.Silence)
	}
	p.Silence, p.Cut, p.longestSilence = silence, now, 0
	if steady || p.Hold > 0 && silence <= p.Hold {
		p.Hold, p.Raised = max(time.Duration(float64(silence)*safeHoldRatio), minLearnedHold), now
	}
	if p.Hold >= transport.DefaultHold {
		p.Hold = 0
	}
}

// recordAgeDeath learns from a leg that was cut although it had borne longer silences. Three in a row of the
// same age, each of which was opened when the one before was gone, are a rule.
func (p *learned) recordAgeDeath(age time.Duration, l *legLife, now time.Time) {
	if now.Sub(p.Died) < cutExpiry && !l.openedAt.Before(p.Died) && isWithin(age, p.Age, sameAgeRatio) {
		p.sameAgeCount++
	} else {
		p.sameAgeCount = 1
	}
	if p.Age, p.Died = age, now; p.sameAgeCount >= confirmations {
		p.Life = age
	}
}

func isWithin(a, b time.Duration, ratio float64) bool {
	return b > 0 && float64(max(a, b)) <= ratio*float64(min(a, b))
}
