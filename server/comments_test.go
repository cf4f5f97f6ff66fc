package server

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/merge"
	"github.com/slipway-cd/slipway/server/signin"
	"github.com/slipway-cd/slipway/store"
)

// A pair is a key of a test.
type pair struct{ private ed25519.PrivateKey }

func serverKey() pair {
	return pair{ed25519.NewKeyFromSeed(bytes.Repeat([]byte("s"), ed25519.SeedSize))}
}

// other is a key of somebody else.
func (p pair) other() pair {
	return pair{ed25519.NewKeyFromSeed(bytes.Repeat([]byte("o"), ed25519.SeedSize))}
}

func (p pair) Key() evidence.Key { return evidence.NewKey(p.private.Public().(ed25519.PublicKey)) } //nolint:forcetypeassert // it is

func (p pair) Sign(_ context.Context, data []byte) ([]byte, error) {
	return ed25519.Sign(p.private, data), nil
}

const talkingPlatform = `slipway: v1
environments:
  staging: {runtime: local, repository: artifacts/staging, root: root/staging}
  prod: {runtime: local, repository: artifacts/prod, root: root/prod, follows: staging, sign_offs: [qa], deployers: [mara]}
people:
  mara: {login: mara-l, email: a@example.com}
  ana: {login: ana-sec}
teams: {data: {people: [mara, ana]}}
roles: {qa: {people: [ana]}, boss: {people: [ana]}}
rails:
  - {name: retries, environments: [prod], when: run.max_retries > 0, effect: exception, by: [boss], message: it tries again}
signers: {server: {keys: ["%s"], speaks_for_people: true}}
server:
  forges:
    home: {kind: git, url: git, every: 1s}
`

// talking is a world with a pull request in which people say things, and a server that
// knows who may do what and signs for them.
func talking(t *testing.T, platform string) *world {
	t.Helper()
	w := newWorld(t)
	w.hub = newHub(w)
	w.write(t, "platform.yaml", platform)
	w.opens = func(st *store.Store, url string) Doorkeeper {
		return named{signin.New(signin.Config{Store: st, URL: url, Clock: time.Now, Teams: st.AppTeams, Rules: func() (access.Rules, error) {
			data, err := os.ReadFile(w.dir + "/platform.yaml")
			if err != nil {
				return access.Rules{}, err
			}
			p, err := manifest.LoadPlatform("platform.yaml", data)
			if err != nil {
				return access.Rules{}, err
			}
			return p.Access(), nil
		}})}
	}
	w.repository(t, "hello")
	w.push(t, "hello", hello)
	return w
}

func (w *world) talks(t *testing.T) (*Server, func()) {
	t.Helper()
	c := w.config(t)
	c.Signer = func(context.Context) (evidence.Signer, error) { return serverKey(), nil }
	return w.servingWith(t, c)
}

func talkingText() string { return fmt.Sprintf(talkingPlatform, serverKey().Key()) }

// says lets somebody write a comment.
func (w *world) says(id, by, body string) {
	w.hub.change(func() {
		p := w.hub.requests[1]
		p.Comments = append(p.Comments, slipway.Comment{ID: id, By: by, Body: body, Time: time.Now()})
		p.Updated = time.Now()
	})
}

// answers waits until the answer to a comment holds some text, and returns it.
func (w *world) answers(t *testing.T, s *Server, id, text string) string {
	t.Helper()
	last := ""
	eventually(t, s, fmt.Sprintf("the answer to %s to have %q", id, text), func() bool {
		w.hub.mu.Lock()
		defer w.hub.mu.Unlock()
		if all := w.hub.answers[answerMarker(id)]; len(all) > 0 && all[len(all)-1] != last {
			last = all[len(all)-1]
			t.Logf("%s: %s", id, last)
		}
		return strings.Contains(last, text)
	})
	return last
}

// proposed is a pull request that the server has seen, with its checks passed.
func (w *world) proposed(t *testing.T, s *Server) string {
	t.Helper()
	untilJobs(t, s, jobShip, 1)
	head := w.propose(t, "mara-l", map[string]string{"hello.py": "print('better')\n"})
	stands(t, s, "the checks to pass", func(st merge.State) bool { return st.Head == head && st.Met })
	return head
}

func entriesOf(t *testing.T, s *Server, env string) []string {
	t.Helper()
	h, err := s.history(t.Context(), "hello", env)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range h.Entries {
		by, _, _ := strings.Cut(e.By, " (job ")
		all = append(all, by+": "+h.Describe(e))
	}
	return all
}

// TestCommentsOnTheRoad: what comments ask for is done as if it had been asked for at
// the API, by whoever may, once.
func TestCommentsOnTheRoad(t *testing.T) {
	w := talking(t, talkingText())
	s, _ := w.talks(t)
	head := w.proposed(t, s)
	w.says("1", "mara-l", "Please:\n/slipway ship staging\n")
	w.answers(t, s, "1", "is live in `staging` (deployment 2)")
	w.says("2", "mara-l", "/slipway rollback staging")
	w.answers(t, s, "2", "is live in `staging` (deployment 3)")
	w.says("3", "stranger", "/slipway rollback staging")
	w.answers(t, s, "3", "stranger may not do that: platform.yaml has nobody with the login stranger\n→ the platform team adds you to people, with your login")
	w.says("4", "mara-l", "/slipway shp staging\n/slipway explain\n/slipway help\n/slipway plan staging\n/slipway explain prod")
	w.answers(t, s, "4", "a plan of ")
	text := w.answers(t, s, "4", "- sign-offs: ") // whichever comes last
	for _, want := range []string{"there is no command \"shp\"\n→ did you mean /slipway ship?", "For commit " + head[:8], "| `/slipway rollback ENV", "may not come to `prod`:\n\n", "- sign-offs: "} {
		if !strings.Contains(text, want) {
			t.Errorf("the answer lacks %q:\n%s", want, text)
		}
	}
	w.says("5", "ana-sec", "/slipway deploy 0.0.0 to prod")
	w.answers(t, s, "5", "ana may not deploy hello in prod: not a deployer of prod\n→ who may: mara")
	refusals, err := s.store.Refusals(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	var who []string
	for _, r := range refusals {
		who = append(who, r.Who+" "+string(r.Do))
	}
	if diff := cmp.Diff([]string{"ana deploy", "stranger@home rollback"}, who); diff != "" {
		t.Errorf("refusals (-want +got):\n%s", diff)
	}
	w.says("6", "mara-l", "/slipway stop")
	w.answers(t, s, "6", "There is nothing to stop.")
	w.says("7", "mara-l", "/slipway cancel 4711")
	w.answers(t, s, "7", "there is no job 4711")
	w.says("8", "mara-l", "/slipway check\n/slipway build 01234567")
	w.answers(t, s, "8", "It comes from no fork")
	untilJobs(t, s, jobCheck, 2)
	w.hub.change(func() { // a comment that was obeyed says something else now
		p := w.hub.requests[1]
		p.Comments[0].Body, p.Comments[0].Edited, p.Updated = "/slipway rollback staging", true, time.Now()
	})
	w.says("9", "mara-l", "/slipway help cancel")
	w.answers(t, s, "9", "Example: `/slipway cancel`")
	want := []string{
		"mara: release", "mara: deployment 1", "mara: deployment 1 deployed", "mara: release", "mara: deployment 2", "mara: deployment 2 deployed",
		"mara: deployment 3", "mara: deployment 3 deployed",
	}
	got := entriesOf(t, s, "staging")
	if len(got) != len(want) {
		t.Fatalf("staging has %d entries, want %d: %q", len(got), len(want), got)
	}
	for i, prefix := range want {
		if !strings.HasPrefix(got[i], prefix) {
			t.Errorf("entry %d is %q, want %q...", i+1, got[i], prefix)
		}
	}
}

// TestCommentsThatSign: a sign-off, a no, its withdrawal and a grant are said for the
// person by the server, and are worth what those of a key are.
func TestCommentsThatSign(t *testing.T) {
	w := talking(t, talkingText())
	s, _ := w.talks(t)
	w.proposed(t, s)
	h, err := s.history(t.Context(), "hello", "staging")
	if err != nil {
		t.Fatal(err)
	}
	version := h.Admissions[0].Version
	w.says("1", "mara-l", "/slipway sign-off "+version+" for prod as qa")
	w.answers(t, s, "1", "mara may not sign off as qa for hello in prod: it takes the role qa\n→ who may: role qa (ana)")
	w.says("2", "ana-sec", "/slipway reject "+version+" for prod as qa it prints")
	w.answers(t, s, "2", "ana says no to release "+version+" as qa: it prints.")
	w.says("3", "mara-l", "/slipway promote "+version+" to prod")
	w.answers(t, s, "3", "may not come to prod: ana says no")
	w.says("4", "ana-sec", "/slipway withdraw "+version+" for prod as qa\n/slipway sign-off "+version+" for prod as qa it is fine")
	w.answers(t, s, "4", "All who are asked have signed")
	w.says("5", "mara-l", "/slipway promote "+version+" to prod")
	w.answers(t, s, "5", "done.")
	w.says("6", "mara-l", "/slipway grant retries in prod until 2099-01-31 because we must")
	w.answers(t, s, "6", "mara may not open the guard rail retries for hello in prod: the guard rail does not name them")
	w.says("7", "ana-sec", "/slipway grant hello retries in prod until 2099-01-31 because we must\n/slipway revoke retries in prod because we need not")
	w.answers(t, s, "7", "ana takes back what opened rail retries: we need not.")
	want := []string{
		"ana: ana says no to release " + version + " as qa: it prints",
		"ana: ana withdraws the sign-off of release " + version + " as qa",
		"ana: ana says yes to release " + version + " as qa: it is fine",
		"mara: release " + version + " promoted from staging",
		"ana: ana opens rail retries until 2099-01-31: we must",
		"ana: ana takes back what opened rail retries: we need not",
	}
	got := entriesOf(t, s, "prod")
	if len(got) != len(want) {
		t.Fatalf("prod has %q", got)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("entry %d is %q, want %q", i+1, got[i], want[i])
		}
	}
	hist, err := s.history(t.Context(), "hello", "prod")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range hist.Entries {
		if e.Kind == ledger.ReleasePromoted && len(e.Statements) == 0 {
			t.Error("the server promotes without evidence")
		}
	}
}

// TestCommentsThatAreNotObeyed: what was written long ago, or changed since, or behind
// whose back the head has moved.
func TestCommentsThatAreNotObeyed(t *testing.T) {
	w := talking(t, talkingText())
	s, _ := w.talks(t)
	head := w.proposed(t, s)
	w.hub.change(func() {
		p := w.hub.requests[1]
		p.Comments = append(p.Comments,
			slipway.Comment{ID: "old", By: "mara-l", Body: "/slipway rollback staging\n/slipway rollback staging", Time: time.Now().Add(-25 * time.Hour)},
			slipway.Comment{ID: "edited", By: "mara-l", Body: "/slipway rollback staging\n/slipway rollback staging", Time: time.Now(), Edited: true},
			slipway.Comment{ID: "early", By: "mara-l", Body: "/slipway ship staging", Time: time.Now().Add(-time.Hour)},
			slipway.Comment{ID: "named", By: "mara-l", Body: "/slipway ship staging 0123456789", Time: time.Now()},
			slipway.Comment{ID: "short", By: "mara-l", Body: "/slipway ship staging " + head[:7], Time: time.Now()})
		p.Updated = time.Now()
	})
	w.answers(t, s, "old", "nothing is done that is asked for so late\n→ write a new one")
	w.answers(t, s, "edited", "this comment was changed after it was written, perhaps by somebody else, so nothing is done\n→ write a new one")
	for _, id := range []string{"early", "named", "short"} {
		w.answers(t, s, id, "the head of this pull request is "+short(head)+" now\n→ look at it, and write: /slipway ship staging "+short(head))
	}
	if got := entriesOf(t, s, "staging"); len(got) != 3 {
		t.Errorf("something was done: %q", got)
	}
}

// TestAnAnswerAtTheForgeIsProof: a server whose data are of yesterday does not do
// again what it has answered.
func TestAnAnswerAtTheForgeIsProof(t *testing.T) {
	w := talking(t, talkingText())
	s, _ := w.talks(t)
	w.proposed(t, s)
	w.hub.change(func() {
		w.hub.answers[answerMarker("1")] = []string{answerMarker("1") + "\nDone."}
		p := w.hub.requests[1]
		p.Comments = append(p.Comments, slipway.Comment{ID: "2", By: "mallory", Body: answerMarker("3") + "\nDone.", Time: time.Now()})
	})
	w.says("1", "mara-l", "/slipway rollback staging")
	w.says("3", "mara-l", "/slipway explain")
	w.answers(t, s, "3", "For commit")
	if _, heard, err := s.store.Comment(t.Context(), "home", "hello", "1"); heard || err != nil {
		t.Errorf("it is heard once more: %t, %v", heard, err)
	}
}

// TestCommentsActOnceThroughDeath: the server ends again and again while a comment is
// obeyed and answered; what it asks for is done once.
func TestCommentsActOnceThroughDeath(t *testing.T) {
	w := talking(t, talkingText())
	s, stop := w.talks(t)
	w.proposed(t, s)
	down := slipway.Errorf(slipway.Unavailable, "connection reset")
	w.hub.change(func() {
		w.hub.fails = func(call string) error {
			if call == "Comment" {
				return down
			}
			return nil
		}
	})
	w.says("1", "mara-l", "/slipway ship staging\n/slipway rollback staging")
	for range 3 {
		eventually(t, s, "the comment to be heard", func() bool {
			row, heard, err := s.store.Comment(t.Context(), "home", "hello", "1")
			return err == nil && heard && len(row.Answers) > 0
		})
		stop()
		s, stop = w.talks(t)
	}
	untilJobs(t, s, jobRollback, 1)
	w.hub.change(func() { w.hub.fails = nil })
	w.answers(t, s, "1", "(deployment 3)")
	if got := entriesOf(t, s, "staging"); len(got) != 8 {
		t.Errorf("staging has %d entries, want a release and three deployments: %q", len(got), got)
	}
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	if len(w.hub.answers) != 1 {
		t.Errorf("there are %d answers: %v", len(w.hub.answers), w.hub.answers)
	}
}
