package pipeline

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/promote"
)

func TestMakers(t *testing.T) {
	people := map[string]manifest.Person{
		"ana": {Email: "ana@example.com"}, "bo": {Login: "bo-gh"}, "cy": {}, "nobody": {Name: "No mail, no login"},
	}
	for name, c := range map[string]struct {
		by, author string
		want       []string
	}{
		"the commit's author":     {"ci@runner", "Ana@Example.com", []string{"ana"}},
		"who released it":         {"cy@laptop", "", []string{"cy"}},
		"by the login at a forge": {"bo-gh@github", "", []string{"bo"}},
		"by mail":                 {"ana@example.com", "", []string{"ana"}},
		"two of them":             {"bo-gh@github", "ana@example.com", []string{"ana", "bo"}},
		"somebody else":           {"eve@laptop", "eve@example.com", nil},
		"nothing is known":        {"", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := makers(people, slipway.Release{By: c.by, Source: slipway.Source{Author: c.author}})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("makers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNeeds(t *testing.T) {
	got := needs([]manifest.SignOff{{Role: "qa", Count: 1}, {Role: "security", Count: 2}, {Role: "qa", Count: 2}})
	if diff := cmp.Diff([]promote.Need{{Role: "qa", Count: 3}, {Role: "security", Count: 2}}, got); diff != "" {
		t.Errorf("needs (-want +got):\n%s", diff)
	}
}

// A pair is a key of a test, the same each time.
type pair struct{ private ed25519.PrivateKey }

func pairOf(name string) pair {
	return pair{ed25519.NewKeyFromSeed(bytes.Repeat([]byte(name[:1]), ed25519.SeedSize))}
}

func (p pair) Key() evidence.Key {
	return evidence.NewKey(p.private.Public().(ed25519.PublicKey))
}

func (p pair) Sign(_ context.Context, data []byte) ([]byte, error) {
	return ed25519.Sign(p.private, data), nil
}

// signed is the usual platform, whose prod asks qa.
func signed() string {
	text := strings.Replace(platformText, "root: .slipway/prod-root,", "root: .slipway/prod-root, sign_offs: [qa], segregate: true,", 1)
	return text + "people:\n  zoe: {keys: [\"" + pairOf("zoe").Key().String() + "\"]}\n  ann: {keys: [\"" + pairOf("ann").Key().String() + "\"]}\n" +
		"roles:\n  qa: {people: [zoe, ann]}\n"
}

// Ship stops at the gate, and goes on once the people have signed.
func TestShipWaitsForSignOffs(t *testing.T) {
	w := newWorld(t, map[string]string{"slipway.yaml": manifestText, "platform.yaml": signed(), "hello.py": "print('hello')\n"})
	w.tag(t, "v1")
	_, err := w.ship(t, "prod")
	wantError(t, err, slipway.Blocked, "v1 may not come to prod yet, it needs 1 more of qa", "zoe: slipway sign-off v1 prod --as qa")
	w.with(t, func(f *Flow) {
		r, err := f.Review(t.Context(), "hello", "", "prod")
		if err != nil || r.From != "staging" || r.Plan == nil || r.Plan.Target.Environment != "prod" || len(r.Checks) != 1 {
			t.Errorf("the review is %+v, %v", r, err)
		}
		in := promote.Signing{Input: promote.Input{App: "hello"}, Role: "qa", Person: "ann", Key: pairOf("ann"), Answer: slipway.Yes}
		_, err = f.SignOff(t.Context(), in, "prod")
		wantError(t, err, slipway.Blocked, "it is ann's own release", "somebody else in the role has to sign")
		in.Person, in.Key = "zoe", pairOf("zoe")
		if _, err := f.SignOff(t.Context(), in, "prod"); err != nil {
			t.Error(err)
		}
	})
	out := w.mustShip(t, "prod")
	w.with(t, func(f *Flow) {
		said, err := f.SignOffs(t.Context(), out.Release, "prod")
		if err != nil || len(said) != 1 || !said[0].Counts || said[0].Person != "zoe" {
			t.Errorf("who signed: %+v, %v", said, err)
		}
	})
}

// Who may sign may be unable to see the runtime.
func TestReviewWithoutAPlan(t *testing.T) {
	platform := strings.NewReplacer("prod: {runtime: local", "prod: {runtime: ecs", " root: .slipway/prod-root,", "").Replace(signed())
	w := newWorld(t, map[string]string{"slipway.yaml": manifestText, "platform.yaml": platform, "hello.py": "print('hello')\n"})
	w.tag(t, "v1")
	w.mustShip(t, "staging")
	w.with(t, func(f *Flow) {
		r, err := f.Review(t.Context(), "hello", "v1", "prod")
		if err != nil || r.Plan != nil || !strings.Contains(r.NoPlan, "environment prod runs on ecs, and this program has no driver for it") {
			t.Errorf("the review is %+v, %v", r, err)
		}
	})
}
