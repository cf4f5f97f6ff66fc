package leak

// keywords finds many words in a text in one pass, by the algorithm of Aho and
// Corasick. ASCII letters are the same in either case.
type keywords struct {
	states []state
}

type state struct {
	next  [256]int16
	fail  int16
	rules []int // whose words end here
}

// add adds a word, in lower case, of a rule.
func (k *keywords) add(word string, rule int) {
	if len(k.states) == 0 {
		k.states = make([]state, 1, 2048)
	}
	at := int16(0)
	for i := range len(word) {
		next := k.states[at].next[word[i]]
		if next == 0 {
			next = int16(len(k.states))
			k.states = append(k.states, state{})
			k.states[at].next[word[i]] = next
		}
		at = next
	}
	k.states[at].rules = append(k.states[at].rules, rule)
}

// link completes the words that were added.
func (k *keywords) link() {
	queue := []int16{}
	for _, s := range k.states[0].next {
		if s != 0 {
			queue = append(queue, s)
		}
	}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		fail := k.states[at].fail
		k.states[at].rules = append(k.states[at].rules, k.states[fail].rules...)
		for c := range 256 {
			next := k.states[at].next[c]
			if next == 0 {
				k.states[at].next[c] = k.states[fail].next[c]
				continue
			}
			k.states[next].fail = k.states[fail].next[c]
			queue = append(queue, next)
		}
	}
	for i := range k.states {
		for c := 'A'; c <= 'Z'; c++ {
			k.states[i].next[c] = k.states[i].next[c|0x20]
		}
	}
}

// scan calls found for each rule that has a word in the text, and where the word
// ends.
func (k *keywords) scan(text string, found func(rule, end int)) {
	at := int16(0)
	for i := range len(text) {
		at = k.states[at].next[text[i]]
		for _, rule := range k.states[at].rules {
			found(rule, i+1)
		}
	}
}
