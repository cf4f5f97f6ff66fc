package tree

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/slipway-cd/slipway"
)

// The key that signs heads is replaced in two steps, each an entry of the ledger whose
// body is a Handover: first the next key may sign too, then the one before does no more.
// What it signed until then stays good. Each step is a note that those sign who have the
// keys, so that whoever knows one of the keys knows which follow, and nobody who can only
// write to the database can name another.
const (
	KeyPassed = "ledger.key"
	KeyEnded  = "ledger.key-ended"
)

// A Handover is a step of it.
type Handover struct {
	By   string `json:"by"`
	Note string `json:"note"`
}

// The first lines of the notes. No head begins so.
const (
	passedOrigin = Origin + "/key"
	endedOrigin  = Origin + "/key-ended"
)

// Pass is the note by which the next key may sign too. Both sign it.
func Pass(old, next *Signer) (string, error) {
	text := fmt.Sprintf("%s\n%s\n%s\n", passedOrigin, old.Public, next.Public)
	signed, err := note.Sign(&note.Note{Text: text}, old.signer, next.signer)
	return string(signed), err
}

// End is the note by which a key signs no more, but the heads that there are: up to a
// size. Another key signs it.
func End(old string, size int64, by *Signer) (string, error) {
	signed, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%s\n%d\n", endedOrigin, old, size)}, by.signer)
	return string(signed), err
}

// A Key is the public half of a key that signs heads, or did.
type Key struct {
	Public string `json:"key"`
	Ended  bool   `json:"ended,omitempty"`
	Size   int64  `json:"size,omitempty"` // of the largest head that it signed, once it has ended
}

// String is the key as a line: behind one that has ended is the size.
func (k Key) String() string {
	if k.Ended {
		return k.Public + " " + strconv.FormatInt(k.Size, 10)
	}
	return k.Public
}

// Keys are those of a ledger, the oldest first.
type Keys []Key

// ParseKeys reads keys, a line each.
func ParseKeys(text string) (Keys, error) {
	var all Keys
	for line := range strings.Lines(strings.TrimSpace(text) + "\n") {
		public, size, ended := strings.Cut(strings.TrimSpace(line), " ")
		k := Key{Public: public, Ended: ended}
		var err error
		if ended {
			k.Size, err = strconv.ParseInt(size, 10, 64)
		}
		if err == nil {
			_, err = note.NewVerifier(public)
		}
		if err != nil {
			return nil, slipway.Errorf(slipway.Invalid, "that is not a ledger's public key: %w", err).WithFix("it is the line in %s of the server's data folder", PublicFile)
		}
		all = append(all, k)
	}
	return all, nil
}

// String is the keys, a line each.
func (k Keys) String() string {
	var lines []string
	for _, one := range k {
		lines = append(lines, one.String())
	}
	return strings.Join(lines, "\n")
}

// Follow adds what the notes in a ledger say, in their order. Those that nobody signed
// who may are left out.
func (k Keys) Follow(notes []string) Keys {
	k = slices.Clone(k)
	for range notes { // one of them may be believed for what a later one says
		before := len(k)
		for _, text := range notes {
			k = k.passed(text)
		}
		if len(k) == before {
			break
		}
	}
	for _, text := range notes {
		k.end(text)
	}
	return k
}

// passed adds the key before or behind one that is known.
func (k Keys) passed(text string) Keys {
	lines := strings.SplitN(text, "\n", 4)
	if len(lines) != 4 || lines[0] != passedOrigin || len(signers(text, lines[1], lines[2])) != 2 {
		return k
	}
	old, next := k.find(lines[1]), k.find(lines[2])
	switch {
	case old >= 0 && next < 0:
		return append(k, Key{Public: lines[2]})
	case old < 0 && next >= 0:
		return slices.Insert(k, next, Key{Public: lines[1]})
	}
	return k
}

// end ends a key, if another one says so that is known.
func (k Keys) end(text string) {
	lines := strings.SplitN(text, "\n", 4)
	if len(lines) != 4 || lines[0] != endedOrigin {
		return
	}
	size, err := strconv.ParseInt(lines[2], 10, 64)
	at := k.find(lines[1])
	if err != nil || at < 0 || k[at].Ended {
		return
	}
	for _, other := range k {
		if other.Public != lines[1] && len(signers(text, other.Public)) == 1 {
			k[at].Ended, k[at].Size = true, size
		}
	}
}

// publics are the keys themselves.
func (k Keys) publics() []string {
	var all []string
	for _, one := range k {
		all = append(all, one.Public)
	}
	return all
}

func (k Keys) find(public string) int {
	return slices.IndexFunc(k, func(one Key) bool { return one.Public == public })
}

// Signs reports whether a key signs new heads.
func (k Keys) Signs(public string) bool {
	at := k.find(public)
	return at >= 0 && !k[at].Ended
}

// Ended reports whether a key signed, and does no more.
func (k Keys) Ended(public string) bool {
	at := k.find(public)
	return at >= 0 && k[at].Ended
}

// Newest is the key that is to sign; empty if there is none.
func (k Keys) Newest() string {
	for _, one := range slices.Backward(k) {
		if !one.Ended {
			return one.Public
		}
	}
	return ""
}

// Of is the key that signed a head; empty: none of them.
func (k Keys) Of(signed string) string {
	for _, one := range k {
		if len(signers(signed, one.Public)) > 0 {
			return one.Public
		}
	}
	return ""
}

// signers are those of the keys that signed a note.
func signers(text string, public ...string) []note.Signature {
	var all []note.Verifier
	for _, p := range public {
		v, err := note.NewVerifier(p)
		if err != nil {
			return nil
		}
		all = append(all, v)
	}
	n, err := note.Open([]byte(text), note.VerifierList(all...))
	if err != nil {
		return nil
	}
	return n.Sigs
}

// NextFile is where the next key lies until the ledger knows it.
const NextFile = "ledger.next"

// NextSigner reads the next key of a data folder, and makes one where there is none. Who
// was killed before the ledger knew it goes on with the same one.
func NextSigner(dir string) (*Signer, error) { return openKey(dir, NextFile) }

// TakeNext makes the next key the one that signs, if the ledger lets it.
func TakeNext(dir string, k Keys) error {
	data, err := os.ReadFile(filepath.Join(dir, NextFile))
	if err != nil {
		return nil //nolint:nilerr // there is none
	}
	_, public, _ := strings.Cut(strings.TrimSpace(string(data)), "\n")
	if !k.Signs(public) {
		return nil
	}
	return os.Rename(filepath.Join(dir, NextFile), filepath.Join(dir, KeyFile))
}
