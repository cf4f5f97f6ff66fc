package tree_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger/tree"
)

// signedBy is a head of a size by a key.
func signedBy(t *testing.T, s *tree.Signer, size int64) string {
	t.Helper()
	head, err := s.Sign(tree.Head{Size: size, Hash: tlog.RecordHash([]byte("x"))})
	if err != nil {
		t.Fatal(err)
	}
	return head
}

// TestKeysAreHandedOver: whoever knows one key knows all that it was handed to and from,
// and believes of an old one what it signed until its end.
func TestKeysAreHandedOver(t *testing.T) {
	a, b, c, stranger := signer(t), signer(t), signer(t), signer(t)
	pass := func(old, next *tree.Signer) string {
		note, err := tree.Pass(old, next)
		if err != nil {
			t.Fatal(err)
		}
		return note
	}
	end := func(old *tree.Signer, size int64, by *tree.Signer) string {
		note, err := tree.End(old.Public, size, by)
		if err != nil {
			t.Fatal(err)
		}
		return note
	}
	half := strings.Replace(pass(a, stranger), a.Public, b.Public, 1) // nobody signed that
	notes := []string{pass(a, b), end(a, 7, b), pass(b, c), half, pass(stranger, signer(t)), end(c, 1, stranger), "nonsense", signedBy(t, a, 3)}
	want := tree.Keys{{Public: a.Public, Ended: true, Size: 7}, {Public: b.Public}, {Public: c.Public}}
	for name, root := range map[string]*tree.Signer{"the first": a, "the second": b, "the third": c} {
		known, err := tree.ParseKeys(root.Public)
		if err != nil {
			t.Fatal(err)
		}
		got := known.Follow(notes)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("from %s (-want +got):\n%s", name, diff)
		}
		again, err := tree.ParseKeys(got.String())
		if diff := cmp.Diff(want, again); diff != "" || err != nil {
			t.Errorf("written and read: %v (-want +got):\n%s", err, diff)
		}
	}
	if !want.Ended(a.Public) || want.Signs(a.Public) || !want.Signs(b.Public) || want.Newest() != c.Public || want.Signs(stranger.Public) || want.Of(signedBy(t, b, 9)) != b.Public {
		t.Error("it is not known which key signs")
	}
	for name, c := range map[string]struct{ head, want string }{
		"until its end":     {signedBy(t, a, 7), ""},
		"after its end":     {signedBy(t, a, 8), "the head over 8 entries is signed by " + a.Public + ", which signed no more after 7"},
		"the next":          {signedBy(t, b, 8), ""},
		"nobody's that may": {signedBy(t, stranger, 7), "the head is not signed by "},
	} {
		_, err := tree.OpenHead(c.head, want.String())
		if c.want == "" && err != nil || c.want != "" && (slipway.KindOf(err) != slipway.Invalid || !strings.HasPrefix(err.Error(), c.want) || slipway.FixOf(err) == "") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNextKey: a key that is not known to the ledger takes nobody's place, and is the
// same for whoever goes on.
func TestNextKey(t *testing.T) {
	dir := t.TempDir()
	old, err := tree.OpenSigner(dir)
	if err != nil {
		t.Fatal(err)
	}
	next, err := tree.NextSigner(dir)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := tree.NextSigner(dir); err != nil || again.Public != next.Public {
		t.Errorf("the next key is another one: %v", err)
	}
	for _, c := range []struct {
		keys tree.Keys
		want string
	}{{tree.Keys{{Public: old.Public}}, old.Public}, {tree.Keys{{Public: old.Public}, {Public: next.Public}}, next.Public}, {nil, next.Public}} {
		if err := tree.TakeNext(dir, c.keys); err != nil {
			t.Fatal(err)
		}
		if now, err := tree.OpenSigner(dir); err != nil || now.Public != c.want {
			t.Errorf("it signs with %v, %v; want %s", now, err, c.want)
		}
	}
}

func FuzzParseKeys(f *testing.F) {
	s := signer(f)
	for _, text := range []string{s.Public, s.Public + " 7", s.Public + "\n" + s.Public + " 1", "x", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := tree.ParseKeys(text)
		if err != nil {
			return
		}
		if again, err := tree.ParseKeys(keys.String()); err != nil || !cmp.Equal(keys, again) {
			t.Errorf("%q reads %v, and then %v, %v", text, keys, again, err)
		}
	})
}
