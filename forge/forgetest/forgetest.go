// Package forgetest holds forges to their contract. A new kind of forge passes
// [Run]; what a forge can do besides, such as pull requests, is tested where it
// says that it can.
package forgetest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
)

// A World is the other side of a forge: what people and other systems do there
// while we look. It has one repository, whose default branch has a commit. A test
// that it cannot serve ends there.
type World interface {
	// Push adds a commit to a branch, which begins at the default branch if it is
	// new, and returns it. An empty content removes a file.
	Push(t testing.TB, branch string, files map[string]string) string
	// Drop deletes a branch.
	Drop(t testing.TB, branch string)
	// Tag makes a tag: an annotated one, or one that is no object of its own.
	Tag(t testing.TB, name, commit string, annotated bool)
}

// A Debate is a World with pull requests.
type Debate interface { //nolint:interfacebloat // all that people do at a forge
	World
	// Open opens a pull request of the author's from a branch to the default branch.
	Open(t testing.TB, branch, title string) int
	Close(t testing.TB, number int)
	// Merge merges one, and returns the commit as which it came to the default branch.
	Merge(t testing.TB, number int) string
	// Review is the reviewer's word: approve, reject or comment.
	Review(t testing.TB, number int, verdict, body string)
	// Say is a comment of the reviewer's.
	Say(t testing.TB, number int, body string)
	// Mark puts a label on, which it makes.
	Mark(t testing.TB, number int, label string)
	// Ask asks the reviewer for a review.
	Ask(t testing.TB, number int)
	// Judge posts what another system says of a commit: pending, pass, fail or error.
	Judge(t testing.TB, commit, name, state, summary string)
}

// A Setup is one forge to be tested, and all that the kit needs to know about it.
type Setup struct {
	World World
	// Forge opens the forge through a transport, which is nil for one that does not
	// speak HTTP, with a token that is good or one that nobody knows. All that a setup
	// opens share a [forge.Meter].
	Forge      func(t testing.TB, via http.RoundTripper, good bool) forge.Forge
	Repository string // the world's
	Missing    string // a repository that is not there
	HTTP       bool   // it speaks HTTP
	Wordless   bool   // a review has no words of its own there: they are a comment

	Author, Reviewer string // logins: may write and, the reviewer, administrate
	Reader           string // may read; empty: there is none
	Team             string // of author and reviewer

	// Webhook makes a delivery of a push to the repository with an ID, signed with a
	// secret: the forge's own is "secret".
	Webhook func(t testing.TB, id, secret string) (http.Header, []byte)
}

// open opens the forge as it should be.
func (s Setup) open(t testing.TB) forge.Forge {
	t.Helper()
	return s.Forge(t, nil, true)
}

// Run holds the forge of each new setup to the contract.
func Run(t *testing.T, setup func(t *testing.T) Setup) {
	all := append(refTests(), faultTests()...)
	f := setup(t).open(t)
	if _, ok := f.(forge.Requests); ok {
		all = append(all, requestTests()...)
	}
	if _, ok := f.(forge.Publisher); ok {
		all = append(all, publisherTests()...)
	}
	if _, ok := f.(forge.Listener); ok {
		all = append(all, listenerTests()...)
	}
	if _, ok := f.(forge.Directory); ok {
		all = append(all, directoryTests()...)
	}
	for _, tt := range all {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, setup(t)) })
	}
}

type test struct {
	name string
	test func(*testing.T, Setup)
}

// debate is the world with its pull requests.
func (s Setup) debate(t testing.TB) Debate {
	t.Helper()
	d, ok := s.World.(Debate)
	if !ok {
		t.Fatal("the forge has pull requests, and the world of its test has none")
	}
	return d
}

// as asks a forge for an ability that it was seen to have.
func as[T any](t testing.TB, f forge.Forge) T {
	t.Helper()
	ability, ok := f.(T)
	if !ok {
		t.Fatalf("%T opened once more cannot what it could before", f)
	}
	return ability
}

// wantKind wants an error of a kind whose message has all these words in it, and
// that says the way out.
func wantKind(t testing.TB, what string, err error, kind slipway.Kind, words ...string) {
	t.Helper()
	if slipway.KindOf(err) != kind || err == nil {
		t.Fatalf("%s: %v (%s), want an error of kind %s", what, err, slipway.KindOf(err), kind)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %q does not say %q", what, err, word)
		}
	}
	if slipway.FixOf(err) == "" {
		t.Errorf("%s: %q does not say the way out", what, err)
	}
}
