package client

import (
	"iter"
	"slices"
	"strings"

	"github.com/turold/turold/bayeux"
)

// topics are the channels and patterns of a session. A few, as nearly always, are a list that
// is looked through: a map would take ten times the memory.
type topics struct {
	few      []*topic // is never changed in place: all may go over it
	many     map[bayeux.Channel]*topic
	patterns *patternIndex // has those among many that are patterns; nil: none is
}

// A patternIndex has patterns by their stem: what comes before their stars.
type patternIndex struct {
	oneLevel, anyDepth map[bayeux.Channel]*topic
	stemLengths        []stemLength // of the keys of anyDepth, each once
}

// A stemLength is a length, in bytes, that a number of keys have.
type stemLength struct{ bytes, keys int }

// maxFewTopics bounds the list that is looked through.
const maxFewTopics = 8

// get returns the topic of that name; nil: there is none.
func (t *topics) get(ch bayeux.Channel) *topic {
	for _, one := range t.few {
		if one.channel == ch {
			return one
		}
	}
	return t.many[ch]
}

// known reports whether the server accepted a topic, in some session.
func (t *topics) known(ch bayeux.Channel) bool {
	one := t.get(ch)
	return one != nil && one.known
}

// add keeps a topic that is not kept yet.
func (t *topics) add(one *topic) {
	switch {
	case len(t.few) < maxFewTopics:
		t.few = append(slices.Clip(t.few), one)
		return
	case t.many == nil:
		t.many = map[bayeux.Channel]*topic{}
	}
	t.many[one.channel] = one
	if one.channel.Wild() {
		if t.patterns == nil {
			t.patterns = &patternIndex{oneLevel: map[bayeux.Channel]*topic{}, anyDepth: map[bayeux.Channel]*topic{}}
		}
		t.patterns.add(one)
	}
}

func (t *topics) remove(one *topic) {
	t.few = slices.DeleteFunc(slices.Clone(t.few), func(x *topic) bool { return x == one })
	if t.many[one.channel] != one {
		return
	}
	if one.channel.Wild() {
		t.patterns.remove(one)
	}
	if delete(t.many, one.channel); len(t.many) == 0 {
		t.many, t.patterns = nil, nil
	}
}

func (p *patternIndex) add(one *topic) {
	before, deep := stem(one.channel)
	if !deep {
		p.oneLevel[before] = one
		return
	}
	p.anyDepth[before] = one
	i := slices.IndexFunc(p.stemLengths, func(l stemLength) bool { return l.bytes == len(before) })
	if i < 0 {
		i = len(p.stemLengths)
		p.stemLengths = append(p.stemLengths, stemLength{bytes: len(before)})
	}
	p.stemLengths[i].keys++
}

func (p *patternIndex) remove(one *topic) {
	before, deep := stem(one.channel)
	if !deep {
		delete(p.oneLevel, before)
		return
	}
	delete(p.anyDepth, before)
	i := slices.IndexFunc(p.stemLengths, func(l stemLength) bool { return l.bytes == len(before) })
	if p.stemLengths[i].keys--; p.stemLengths[i].keys == 0 {
		p.stemLengths = slices.Delete(p.stemLengths, i, i+1)
	}
}

// stem returns what comes before a pattern's stars, and reports whether there are two.
func stem(pattern bayeux.Channel) (before bayeux.Channel, deep bool) {
	before = pattern[:len(pattern)-1]
	if strings.HasSuffix(string(before), "*") {
		return before[:len(before)-1], true
	}
	return before, false
}

// appendMatching appends the topics that an event on a channel is for. What it costs
// depends on the topics, not on the name, which another publisher may have made long: one
// look for each length of stems.
func (t *topics) appendMatching(all []*topic, ch bayeux.Channel) []*topic {
	for _, one := range t.few {
		if one.channel == ch || one.channel.Wild() && one.channel.Matches(ch) {
			all = append(all, one)
		}
	}
	if t.many == nil {
		return all
	}
	if one := t.many[ch]; one != nil {
		all = append(all, one)
	}
	if t.patterns == nil || ch.Wild() {
		return all
	}
	if last := strings.LastIndexByte(string(ch), '/') + 1; last < len(ch) {
		if one := t.patterns.oneLevel[ch[:last]]; one != nil {
			all = append(all, one)
		}
	}
	for _, l := range t.patterns.stemLengths {
		if l.bytes < len(ch) && ch[l.bytes-1] == '/' {
			if one := t.patterns.anyDepth[ch[:l.bytes]]; one != nil {
				all = append(all, one)
			}
		}
	}
	return all
}

// all yields each topic that was there when it began, but not those that are removed
// meanwhile from among many.
func (t *topics) all() iter.Seq[*topic] {
	return func(yield func(*topic) bool) {
		for _, one := range t.few {
			if !yield(one) {
				return
			}
		}
		for _, one := range t.many {
			if !yield(one) {
				return
			}
		}
	}
}
