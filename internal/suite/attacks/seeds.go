package attacks

// seedLoops is how often a seed has what an attack says again and again.
const seedLoops = 3

// seedBytes is the length of the longest seed: fuzzers mutate short ones better.
const seedBytes = 2 << 10

// Bodies are the JSON batches of the attacks.
func Bodies() [][]byte { return seeds(AsBody) }

// Answers are the HTTP answers, those of proxies to CONNECT included.
func Answers() [][]byte { return append(seeds(AsAnswer), seeds(AsTunnel)...) }

// Upgrades are the answers to an upgrade; {accept} stands for what is right
// there.
func Upgrades() [][]byte { return seeds(AsUpgrade) }

// Frames are WebSocket frames.
func Frames() [][]byte { return seeds(AsFrames) }

// Batches are Bodies as HTTP answers and as frames, for what reads those.
func Batches() (answers, messages [][]byte) {
	for _, b := range Bodies() {
		answers = append(answers, []byte(answer(string(b))))
		messages = append(messages, []byte(frame(fin|text, string(b))))
	}
	return answers, messages
}

func seeds(p Place) (all [][]byte) {
	for _, a := range All() {
		if a.Place != p {
			continue
		}
		s := a.Payload.fill("{id}", "1", "{client}", clientID, "{other}", "127.0.0.1:1", "{1}", "1",
			"{honest}", `{"channel":"/a","id":"1","successful":true}`, "{others}", "", "{answer}", withLength("[]"))
		if s.Times == Endless || len(s.Loop)*s.Times > seedBytes {
			s.Times = seedLoops
		}

		if b := s.bytes(); len(b) <= seedBytes {
			all = append(all, b)
		}
	}
	return all
}
