package fallback

// A stage is how far a transport has come, as far as the session can know.
type stage uint8

const (
	stageNone             stage = iota // nothing is known: no connection, and none is being made
	stageDialing                       // a connection is being made
	stageDialingUnwanted               // the same, and it is closed when it opens
	stageOpen                          // it is open, and has answered nothing
	stageProven                        // it has answered, and carries nothing of the session's
	stageCarryingUnproven              // it carries the session, and has answered nothing
	stageCarrying                      // it carries the session, and has answered
	stageFailed                        // it has failed since it answered last
	stages
)

func (s stage) String() string {
	return [...]string{"none", "dialing", "dialingUnwanted", "open", "proven", "carryingUnproven", "carrying", "failed"}[s]
}

// isDialing reports whether a connection is being made, wanted or not.
func (s stage) isDialing() bool { return s == stageDialing || s == stageDialingUnwanted }

// isOpen reports whether there is a connection.
func (s stage) isOpen() bool { return s >= stageOpen && s <= stageCarrying }

// carries reports whether the transport has the session.
func (s stage) carries() bool { return s == stageCarryingUnproven || s == stageCarrying }

// isSpare reports whether there is a connection that carries nothing of the session's.
func (s stage) isSpare() bool { return s.isOpen() && !s.carries() }

// proven is the stage of a transport that has just answered.
func (s stage) proven() stage {
	if s.carries() {
		return stageCarrying
	}
	return stageProven
}

// carrying is the stage of an open transport that has just got the session.
func (s stage) carrying() stage {
	if s == stageProven || s == stageCarrying {
		return stageCarrying
	}
	return stageCarryingUnproven
}

// unwanted is the stage of a transport without the session that is given up: a
// dial goes on, and is of no use.
func (s stage) unwanted() stage {
	if s.isDialing() {
		return stageDialingUnwanted
	}
	return stageNone
}
