// Package leak finds secrets in texts, by the rules of gitleaks. Start with [New]
// and [Finder.Find]. It knows keys that look like keys; a password that is a word is
// beyond it.
package leak

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// secretRules are gitleaks' rules; gitleaks/update.py makes them.
//
//go:embed gitleaks/rules.json
var secretRules []byte

// A secretRule is one of gitleaks' rules.
type secretRule struct {
	ID       string      `json:"id"`
	What     string      `json:"what"`
	Pattern  string      `json:"pattern"`
	Group    int         `json:"group"`
	Entropy  float64     `json:"entropy"`
	Keywords []string    `json:"keywords"`
	Allowed  []allowance `json:"allowed"`

	compile func() *regexp.Regexp
}

// An allowance is what a rule does not mean.
type allowance struct {
	Target   string   `json:"target"` // match, line, or else the secret
	Patterns []string `json:"patterns"`
	Words    []string `json:"words"`

	compile func() []*regexp.Regexp
}

// A Finder finds secrets in texts. Patterns are compiled when a keyword of theirs
// first turns up. It may be used by any number at the same time.
type Finder struct {
	Allowed []allowance  `json:"allowed"`
	Rules   []secretRule `json:"rules"`

	words keywords
}

// New returns a finder that knows gitleaks' rules.
func New() (*Finder, error) {
	s := &Finder{}
	if err := json.Unmarshal(secretRules, s); err != nil {
		return nil, fmt.Errorf("read gitleaks' rules: %w", err)
	}
	prepare(s.Allowed)
	for i := range s.Rules {
		rule := &s.Rules[i]
		rule.compile = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(rule.Pattern) })
		prepare(rule.Allowed)
		for _, word := range rule.Keywords {
			s.words.add(word, i)
		}
	}
	s.words.link()
	return s, nil
}

func prepare(list []allowance) {
	for i := range list {
		a := &list[i]
		a.compile = sync.OnceValue(func() (all []*regexp.Regexp) {
			for _, pattern := range a.Patterns {
				all = append(all, regexp.MustCompile(pattern))
			}
			return all
		})
	}
}

// A Secret is a secret in a text.
type Secret struct {
	Rule       string // the rule's id, such as github-pat
	What       string // what that is, as a sentence
	Start, End int    // of the match, in bytes
	Text       string // the secret itself; print Masked
}

// How far around a keyword a pattern looks.
const (
	lookBehind = 256
	lookAhead  = 4096
)

// Find returns the secrets in a text, in its order. A place that several rules
// find is named once, by the one that knows best what it is.
func (s *Finder) Find(text string) []Secret {
	type window struct{ start, end int }
	windows := map[int][]window{}
	s.words.scan(text, func(rule, end int) {
		if s.Rules[rule].ID == generic && !random(text[end:min(len(text), end+lookAhead)]) {
			return
		}
		w := window{max(0, end-lookBehind), min(len(text), end+lookAhead)}
		list := windows[rule]
		if n := len(list); n > 0 && list[n-1].end >= w.start {
			list[n-1].end = w.end
			return
		}
		windows[rule] = append(list, w)
	})
	var found []Secret
	for i := range s.Rules {
		for _, w := range windows[i] {
			found = append(found, s.match(&s.Rules[i], text, w.start, w.end)...)
		}
	}
	slices.SortStableFunc(found, func(a, b Secret) int { return a.Start - b.Start })
	return once(found)
}

// generic is the rule for keys of no known kind. Its keywords are words such as
// "key", which stand everywhere, and its secrets have an entropy above 3.5, which
// takes at least twelve different characters in one piece, close by.
const generic = "generic-api-key"

// random reports whether close to the beginning of a text there is a piece that
// could be such a secret.
func random(text string) bool {
	const near, longest, different = 48, 256, 12
	var seen [128]bool
	count := 0
	for i := range min(len(text), near+longest) {
		switch c := text[i]; {
		case !isKeyByte(c):
			if i >= near {
				return false
			}
			seen, count = [128]bool{}, 0
		case !seen[c]:
			seen[c] = true
			if count++; count >= different {
				return true
			}
		}
	}
	return false
}

func isKeyByte(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("_.=+/-", c) >= 0
}

// once drops what overlaps something better known.
func once(found []Secret) []Secret {
	var out []Secret
	for _, f := range found {
		if n := len(out); n == 0 || out[n-1].End <= f.Start {
			out = append(out, f)
		} else if out[n-1].Rule == generic {
			out[n-1] = f
		}
	}
	return out
}

func (s *Finder) match(rule *secretRule, text string, start, end int) []Secret {
	var found []Secret
	for _, at := range rule.compile().FindAllStringSubmatchIndex(text[start:end], -1) {
		for i := range at {
			if at[i] >= 0 {
				at[i] += start
			}
		}
		match := strings.Trim(text[at[0]:at[1]], "\n")
		key := secretOf(rule, text, at)
		switch line := lineAround(text, at[0], at[1]); {
		case rule.Entropy > 0 && entropy(key) <= rule.Entropy,
			strings.Contains(line, "gitleaks:allow"),
			allowed(s.Allowed, key, match, line), allowed(rule.Allowed, key, match, line):
		default:
			found = append(found, Secret{rule.ID, strings.TrimSuffix(rule.What, "."), at[0], at[1], key})
		}
	}
	return found
}

// secretOf returns the part of a match that is the secret itself: the group that
// the rule names, else the first one that holds something, else all of it.
func secretOf(rule *secretRule, text string, at []int) string {
	for n := 1; 2*n < len(at); n++ {
		if (rule.Group == 0 || rule.Group == n) && at[2*n] >= 0 && at[2*n+1] > at[2*n] {
			return text[at[2*n]:at[2*n+1]]
		}
	}
	return strings.Trim(text[at[0]:at[1]], "\n")
}

func lineAround(text string, start, end int) string {
	from := strings.LastIndexByte(text[max(0, start-lookAhead):start], '\n') + 1 + max(0, start-lookAhead)
	to := min(len(text), end+lookAhead)
	if n := strings.IndexByte(text[end:to], '\n'); n >= 0 {
		to = end + n
	}
	return text[from:max(from, to)]
}

func allowed(list []allowance, key, match, line string) bool {
	lower := strings.ToLower(key)
	for i := range list {
		target := key
		switch list[i].Target {
		case "match":
			target = match
		case "line":
			target = line
		}
		for _, pattern := range list[i].compile() {
			if pattern.MatchString(target) {
				return true
			}
		}
		for _, word := range list[i].Words {
			if strings.Contains(lower, word) {
				return true
			}
		}
	}
	return false
}

// entropy is Shannon's, in bits a character.
func entropy(text string) float64 {
	counts := map[rune]int{}
	n := 0
	for _, r := range text {
		counts[r]++
		n++
	}
	bits := 0.0
	for _, count := range counts {
		share := float64(count) / float64(n)
		bits -= share * math.Log2(share)
	}
	return bits
}

// Masked shows enough of the secret to find it, and too little to use it.
func (s Secret) Masked() string {
	runes := []rune(s.Text)
	return string(runes[:min(4, len(runes)/4)]) + "..."
}
