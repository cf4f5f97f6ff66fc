package pipeline

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/dossier"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/promote"
)

// peopled is the usual platform with people, and more about prod.
func peopled(prod string) string {
	text := strings.Replace(platformText, "follows: staging}", "follows: staging, "+prod+"}", 1)
	var people strings.Builder
	for _, name := range []string{"zoe", "bo", "cy"} {
		fmt.Fprintf(&people, "  %s: {keys: [%q]}\n", name, pairOf(name).Key())
	}
	return text + "people:\n" + people.String() + "roles: {qa: {people: [zoe]}, security: {people: [cy]}}\n"
}

func (w *world) hold(t *testing.T, who, version string, lift bool) (all []Held, err error) {
	t.Helper()
	w.with(t, func(f *Flow) {
		in := Holding{Version: version, Why: "it loses rows", Person: who, Key: pairOf(who), By: who + "@laptop"}
		if lift {
			all, err = f.Lift(t.Context(), in)
			return
		}
		all, err = f.Quarantine(t.Context(), in)
	})
	return all, err
}

// A release in quarantine goes nowhere, by whatever name and way, until somebody who
// may lifts it.
func TestQuarantine(t *testing.T) {
	w := newWorld(t, map[string]string{"slipway.yaml": manifestText, "platform.yaml": peopled("sign_offs: [qa]"), "hello.py": "print('hello')\n"})
	w.tag(t, "v1")
	w.mustShip(t, "staging")
	w.commit(t, map[string]string{"hello.py": "print('more')\n"})
	w.tag(t, "v2")
	w.mustShip(t, "staging")
	all, err := w.hold(t, "bo", "v1", false)
	if err != nil || len(all) != 3 || !all[2].Made || all[2].Environment != "prod" {
		t.Fatalf("quarantined: %+v, %v", all, err)
	}
	if all, err = w.hold(t, "bo", "v1", false); err != nil || len(all) != 3 || all[0].Made {
		t.Errorf("once more: %+v, %v", all, err)
	}
	w.with(t, func(f *Flow) {
		_, err := f.Promote(t.Context(), promote.Input{App: "hello", Version: "v1"}, "prod")
		wantError(t, err, slipway.Blocked, "v1 is in quarantine in staging: it loses rows", "or, once somebody has looked at it again: slipway quarantine v1 --lift --why TEXT")
		_, err = f.Deploy(t.Context(), DeployInput{App: "hello", Environment: "staging", Version: "v1"})
		wantError(t, err, slipway.Blocked, "v1 is in quarantine in staging: it loses rows", "")
		_, err = f.Rollback(t.Context(), RollbackInput{App: "hello", Environment: "staging"})
		wantError(t, err, slipway.Blocked, "v1 is in quarantine in staging: it loses rows", "")
	})
	// The same bytes under another version.
	w.commit(t, map[string]string{"hello.py": "print('hello')\n", "README": "none"})
	w.tag(t, "v3")
	_, err = w.ship(t, "staging")
	wantError(t, err, slipway.Blocked, "v3, which has the bytes of v1, is in quarantine in local: it loses rows", "")
	_, err = w.hold(t, "bo", "v1", true)
	wantError(t, err, slipway.Blocked, "in prod: bo may not lift the quarantine of v1 in prod, which is for qa", "ask zoe")
	if all, err = w.hold(t, "zoe", "v1", true); err != nil || len(all) != 1 || all[0].String() != "zoe lifts the quarantine of release v1: it loses rows" {
		t.Errorf("lifted: %+v, %v", all, err)
	}
	w.mustShip(t, "staging")
	if all, err = w.hold(t, "zoe", "v1", true); err != nil || len(all) == 0 || all[0].Made {
		t.Errorf("lifted once more: %+v, %v", all, err)
	}
	_, err = w.hold(t, "zoe", "v2", true)
	wantError(t, err, slipway.NotFound, "release v2 of hello is in no quarantine", "")
	_, err = w.hold(t, "zoe", "v9", false)
	wantError(t, err, slipway.NotFound, "there is no release v9 of hello in any environment", "slipway releases ENV")
}

// With segregation nobody lifts the quarantine of a release of their own.
func TestQuarantineOfOnesOwn(t *testing.T) {
	platform := strings.Replace(peopled("sign_offs: [qa], segregate: true"), "zoe: {keys", "zoe: {email: a@example.com, keys", 1)
	w := newWorld(t, map[string]string{"slipway.yaml": manifestText, "platform.yaml": platform, "hello.py": "print('hello')\n"})
	w.tag(t, "v1")
	w.mustShip(t, "staging")
	if _, err := w.hold(t, "bo", "v1", false); err != nil {
		t.Fatal(err)
	}
	_, err := w.hold(t, "zoe", "v1", true)
	wantError(t, err, slipway.Blocked, "in prod: it is zoe's own release", "somebody else has to lift it")
}

// The time that a release has to be live before counts from its deployment.
func TestSoak(t *testing.T) {
	w := newWorld(t, map[string]string{"slipway.yaml": manifestText, "platform.yaml": peopled("soak: 24h"), "hello.py": "print('hello')\n"})
	w.tag(t, "v1")
	_, err := w.ship(t, "prod")
	wantError(t, err, slipway.Blocked, "v1 may not come to prod yet: it has to be live in staging for 24h, and was for 0s", "slipway deploy v1 staging, and wait")
	w.mustShip(t, "staging")
	promoteAt := func(at time.Time) error {
		c := w.config(t)
		c.Clock = func() time.Time { return at }
		f, err := New(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		x, err := f.Explain(t.Context(), "prod")
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.Promote(t.Context(), promote.Input{App: "hello", Version: "v1"}, "prod")
		if explained := len(x.Gates) > 0 && x.Gates[0].Name == "promotion" && err != nil && x.Gates[0].Why == err.Error(); (err != nil) != explained {
			t.Errorf("explain says %+v, and promote %v", x.Gates, err)
		}
		return err
	}
	wantError(t, promoteAt(noon().Add(23*time.Hour)), slipway.Blocked, "v1 may not come to prod yet: it has to be live in staging for 24h, and was for 23h", "it may from 2026-11-23 12:00 UTC on")
	if err := promoteAt(noon().Add(24 * time.Hour)); err != nil {
		t.Error(err)
	}
}

// A release from which somebody went back stays where it is, until it is deployed
// there again.
func TestNothingComesAfterARollback(t *testing.T) {
	w := hello(t)
	w.tag(t, "v1")
	w.mustShip(t, "staging")
	w.commit(t, map[string]string{"hello.py": "print('more')\n"})
	w.tag(t, "v2")
	w.mustShip(t, "staging")
	w.with(t, func(f *Flow) {
		if _, err := f.Rollback(t.Context(), RollbackInput{App: "hello", Environment: "staging"}); err != nil {
			t.Fatal(err)
		}
		_, err := f.Promote(t.Context(), promote.Input{App: "hello", Version: "v2"}, "prod")
		wantError(t, err, slipway.Blocked, "v2 may not come to prod: deployment 3 went back from it in staging", "if it was not its fault: slipway deploy v2 staging")
		if _, err := f.Promote(t.Context(), promote.Input{App: "hello", Version: "v1"}, "prod"); err != nil {
			t.Error(err)
		}
		if _, err := f.Deploy(t.Context(), DeployInput{App: "hello", Environment: "staging", Version: "v2"}); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Promote(t.Context(), promote.Input{App: "hello", Version: "v2"}, "prod"); err != nil {
			t.Error(err)
		}
	})
}

// Who stands in signs until the end of the day, and counts no longer then.
func TestDelegation(t *testing.T) {
	platform := peopled("sign_offs: [qa]") + "delegations: [{from: zoe, to: bo, until: 2026-11-22}]\n"
	w := newWorld(t, map[string]string{"slipway.yaml": manifestText, "platform.yaml": platform, "hello.py": "print('hello')\n"})
	w.tag(t, "v1")
	w.mustShip(t, "staging")
	w.with(t, func(f *Flow) {
		in := promote.Signing{Input: promote.Input{App: "hello"}, Role: "qa", Person: "cy", Key: pairOf("cy"), Answer: slipway.Yes}
		_, err := f.SignOff(t.Context(), in, "prod")
		wantError(t, err, slipway.Blocked, "cy is not in the role qa", "")
		in.Person, in.Key = "bo", pairOf("bo")
		if _, err := f.SignOff(t.Context(), in, "prod"); err != nil {
			t.Fatal(err)
		}
		f.Clock = func() time.Time { return noon().Add(12 * time.Hour) }
		_, err = f.Promote(t.Context(), promote.Input{App: "hello", Version: "v1"}, "prod")
		wantError(t, err, slipway.Blocked, "bo's yes as qa does not count: bo is not in the role qa", "zoe: slipway sign-off v1 prod --as qa")
		f.Clock = noon
		if _, err = f.Promote(t.Context(), promote.Input{App: "hello", Version: "v1"}, "prod"); err != nil {
			t.Error(err)
		}
	})
}

// A yes ends when its person or the platform says so.
func TestSignOffsEnd(t *testing.T) {
	w := newWorld(t, map[string]string{"slipway.yaml": manifestText, "platform.yaml": peopled("sign_offs: [{role: qa, valid: 14d}]"), "hello.py": "print('hello')\n"})
	w.tag(t, "v1")
	w.mustShip(t, "staging")
	w.with(t, func(f *Flow) {
		at := noon()
		f.Clock = func() time.Time { return at }
		in := promote.Signing{Input: promote.Input{App: "hello"}, Role: "qa", Person: "zoe", Key: pairOf("zoe"), Answer: slipway.Yes}
		in.Until = noon()
		_, err := f.SignOff(t.Context(), in, "prod")
		wantError(t, err, slipway.Invalid, "a yes until 2026-11-22 is over already", "")
		in.Until, in.Answer = noon().AddDate(0, 0, 3), slipway.No
		_, err = f.SignOff(t.Context(), in, "prod")
		wantError(t, err, slipway.Invalid, "only a yes has an end", "")
		in.Answer = slipway.Yes
		if _, err := f.SignOff(t.Context(), in, "prod"); err != nil {
			t.Fatal(err)
		}
		closed := func(days int, why string) {
			t.Helper()
			at = noon().AddDate(0, 0, days)
			_, err := f.Promote(t.Context(), promote.Input{App: "hello", Version: "v1"}, "prod")
			wantError(t, err, slipway.Blocked, why, "zoe: slipway sign-off v1 prod --as qa")
		}
		closed(3, "zoe's yes as qa does not count: it ended on 2026-11-25")
		in.Until = time.Time{}
		if _, err := f.SignOff(t.Context(), in, "prod"); err != nil {
			t.Fatal(err)
		}
		closed(17, "zoe's yes as qa does not count: it is of 2026-11-25T12:00:00Z, and a yes as qa is good for 14d")
		closed(2, "zoe's yes as qa does not count: it says that it was made at 2026-11-25T12:00:00Z, which is yet to come")
		at = noon().AddDate(0, 0, 17)
		if _, err := f.SignOff(t.Context(), in, "prod"); err != nil {
			t.Fatal(err) // said again, for the first does not count
		}
		if _, err := f.Promote(t.Context(), promote.Input{App: "hello", Version: "v1"}, "prod"); err != nil {
			t.Error(err)
		}
	})
}

// Bytes that were altered between the sign-off and the promotion are refused, and the
// release is held in every ledger until somebody restored them and lifts that.
func TestAlteredBeforePromotion(t *testing.T) {
	for name, c := range map[string]struct {
		file func(w *world) string
		want string
	}{
		"the script": {func(w *world) string {
			all, err := filepath.Glob(filepath.Join(w.root, ".slipway/staging-artifacts/hello/*/hello_*.py"))
			if err != nil || len(all) != 1 {
				t.Fatalf("the script is in %v, %v", all, err)
			}
			return all[0]
		}, "has other bytes than were released: sha256:"},
		"the record": {func(w *world) string {
			return filepath.Join(w.root, ".slipway/staging-artifacts/hello/releases/v1.json")
		}, "the record of release v1 in staging was changed: it is sha256:"},
	} {
		t.Run(name, func(t *testing.T) {
			platform := peopled("sign_offs: [qa]") + "signers:\n  runner: {keys: [\"" + pairOf("machine").Key().String() + "\"]}\n"
			w := newWorld(t, map[string]string{"slipway.yaml": manifestText, "platform.yaml": platform, "hello.py": "print('hello')\n"})
			w.tag(t, "v1")
			acting := func(fn func(f *Flow) error) (err error) {
				t.Helper()
				w.attesting(t, "machine", nil, func(f *Flow) { err = fn(f) })
				return err
			}
			ship := func(f *Flow) error {
				_, err := f.Ship(t.Context(), ShipInput{App: "hello", Environment: "staging", Source: w.source(t, f, false), By: "ann@laptop"})
				return err
			}
			promoting := func(f *Flow) error {
				_, err := f.Promote(t.Context(), promote.Input{App: "hello", Version: "v1", By: "ann@laptop"}, "prod")
				return err
			}
			if err := acting(ship); err != nil {
				t.Fatal(err)
			}
			if err := acting(func(f *Flow) error {
				_, err := f.SignOff(t.Context(), promote.Signing{
					Input: promote.Input{App: "hello", Version: "v1", By: "zoe@laptop"}, Role: "qa", Person: "zoe", Answer: slipway.Yes, Key: pairOf("zoe"),
				}, "prod")
				return err
			}); err != nil {
				t.Fatal(err)
			}
			file := c.file(w)
			was, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			rewrite(t, file, bytes.Replace(was, []byte("hello"), []byte("hullo"), 1))
			err = acting(promoting)
			wantError(t, err, slipway.Conflict, c.want, "slipway quarantine v1 --lift --why TEXT")
			wantError(t, err, slipway.Conflict, "; v1 is in quarantine now", "")
			w.with(t, func(f *Flow) {
				for _, env := range []string{"local", "staging", "prod"} {
					h, err := f.History(t.Context(), "hello", env)
					if err != nil {
						t.Fatal(err)
					}
					last := h.Entries[len(h.Entries)-1]
					if told := h.Describe(last); last.Kind != ledger.ReleaseHeld || len(last.Statements) != 1 || !strings.HasPrefix(told, "runner puts release v1 into quarantine: ") || !strings.Contains(told, c.want) {
						t.Errorf("%s ends with %q of %v", env, told, last.Statements)
					}
					if _, in := h.Admitted("v1"); in && env == "prod" {
						t.Error("it was let in")
					}
				}
			})
			rewrite(t, file, was)
			wantError(t, acting(promoting), slipway.Blocked, "v1 is in quarantine in staging: ", "")
			if _, err := w.hold(t, "zoe", "v1", true); err != nil {
				t.Fatal(err)
			}
			if err := acting(promoting); err != nil {
				t.Fatal(err)
			}
			r := w.verify(t)
			if err := r.Err(); err != nil {
				t.Error(err)
			}
			if !slices.ContainsFunc(r.Proofs, func(p dossier.Proof) bool {
				return p.By == "runner" && strings.HasPrefix(p.What, "runner puts release v1 into quarantine: ")
			}) {
				t.Errorf("the dossier does not tell of it: %+v", r.Proofs)
			}
		})
	}
}

func rewrite(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
