package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/object"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/policy"
	"github.com/slipway-cd/slipway/shape"
)

// A counter is where grants for one rail in prod are given, over a real ledger.
type counter struct {
	t     *testing.T
	flow  *Flow
	place *Place
	now   time.Time
	rail  string   // its condition
	boss  []string // who is in the role that the rail names
}

func newCounter(t *testing.T) *counter {
	t.Helper()
	menu, err := shape.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Load("slipway.yaml", []byte("slipway: v1\napp: hello\nshape: python-job\nbuild: {script: a.py}\n"), menu)
	if err != nil {
		t.Fatal(err)
	}
	c := &counter{t: t, now: noon(), rail: "run.max_retries > 1", boss: []string{"ana", "bo"}}
	repo := folderRepo(t)
	c.place = &Place{Repository: repo, Ledger: object.New(repo, noon)}
	c.flow = &Flow{Config: Config{Project: &Project{Manifest: m, shapes: menu}, Clock: func() time.Time { return c.now }}, places: map[string]*Place{"prod": c.place}}
	c.load()
	return c
}

// load reads the platform file as it is now.
func (c *counter) load() {
	c.t.Helper()
	var text strings.Builder
	text.WriteString("slipway: v1\nenvironments: {prod: {runtime: local, repository: /tmp/prod}}\npeople:\n")
	for _, name := range []string{"ana", "bo", "cy"} {
		fmt.Fprintf(&text, "  %s: {keys: [%q]}\n", name, pairOf(name).Key())
	}
	fmt.Fprintf(&text, "roles: {boss: {people: [%s]}}\nrails:\n  - {name: big, when: %s, effect: exception, by: [boss], message: big}\n", strings.Join(c.boss, ", "), c.rail)
	p, err := manifest.LoadPlatform("platform.yaml", []byte(text.String()))
	if err != nil {
		c.t.Fatal(err)
	}
	c.flow.Project.Platform, c.flow.rails = p, nil
	c.place.Environment, _ = p.Environment("prod")
}

func (c *counter) granting(who string, days int) Granting {
	return Granting{Environment: "prod", Rail: "big", Why: "it is needed", Until: c.now.AddDate(0, 0, days), Person: who, Key: pairOf(who), By: who}
}

// open reports whether the rail is open for a job that hits it.
func (c *counter) open() bool {
	c.t.Helper()
	run := map[string]any{"max_retries": float64(5)}
	plan := slipway.Plan{Target: slipway.Target{App: "hello", Environment: "prod", Version: "v1", Shape: "python-job", Run: run}, Changes: []slipway.Change{{}}}
	plan, err := c.flow.judged(context.Background(), c.place, plan, about{})
	if err != nil || len(plan.Rails) != 1 {
		c.t.Fatalf("%+v, %v", plan.Rails, err)
	}
	return !plan.Rails[0].Closed()
}

// A permission, as the test thinks of it.
type permission struct {
	who, rail string
	until     time.Time
	revoked   bool
	entry     ledger.Grant
}

// Whoever grants, takes back, leaves and comes again, and whatever is written into the
// ledger once more: a rail is open only by a grant of somebody who may, for the rail
// as it is, before its end, that nobody took back.
func TestGrantProperties(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := newCounter(t)
		var all []*permission
		for step := range rapid.IntRange(1, 15).Draw(rt, "steps") {
			who := rapid.SampledFrom([]string{"ana", "bo", "cy"}).Draw(rt, "who")
			may := slices.Contains(c.boss, who)
			switch rapid.SampledFrom([]string{"grant", "grant", "revoke", "wait", "leave", "change", "replay", "forge"}).Draw(rt, "what") {
			case "grant":
				g := c.granting(who, rapid.IntRange(1, 9).Draw(rt, "days"))
				out, err := c.flow.Grant(context.Background(), g)
				if (err == nil) != may {
					rt.Fatalf("%s grants: %v", who, err)
				}
				if err == nil && out.Made {
					all = append(all, &permission{who: who, rail: c.rail, until: g.Until, entry: ledger.Grant{Grant: out.Grant, Statement: out.Statement}})
				}
			case "revoke":
				_, err := c.flow.Revoke(context.Background(), c.granting(who, 0))
				for _, p := range all {
					if err == nil && !p.revoked && slices.Contains(c.boss, p.who) {
						p.revoked = true
					}
				}
				if err == nil && !may {
					rt.Fatalf("%s took back what was not theirs", who)
				}
			case "wait":
				c.now = c.now.Add(time.Duration(rapid.IntRange(1, 72).Draw(rt, "hours")) * time.Hour)
			case "leave":
				c.boss = rapid.SampledFrom([][]string{{"ana", "bo"}, {"ana"}, {"bo"}}).Draw(rt, "boss")
				c.load()
			case "change":
				c.rail = rapid.SampledFrom([]string{"run.max_retries > 1", "run.max_retries > 2"}).Draw(rt, "rail")
				c.load()
			case "replay":
				if len(all) > 0 {
					c.smuggle(step, all[rapid.IntRange(0, len(all)-1).Draw(rt, "which")].entry)
				}
			case "forge":
				forged := c.granting("ana", 9)
				word := slipway.Grant{App: "hello", Environment: "prod", Rail: "big", Condition: c.condition(), Person: "ana", Why: "let me", Until: forged.Until, Time: c.now}
				statement, err := say(context.Background(), c.place, pairOf("cy"), "hello", word)
				if err != nil {
					rt.Fatal(err)
				}
				c.smuggle(step, ledger.Grant{Grant: word, Statement: statement})
			}
			want := slices.ContainsFunc(all, func(p *permission) bool {
				return !p.revoked && slices.Contains(c.boss, p.who) && p.rail == c.rail && c.now.Before(p.until)
			})
			if got := c.open(); got != want {
				rt.Fatalf("after step %d the rail is open: %t, want %t", step, got, want)
			}
		}
	})
}

func (c *counter) condition() slipway.Digest {
	book, err := c.flow.Rails(context.Background())
	if err != nil {
		c.t.Fatal(err)
	}
	var r policy.Rail
	if r, err = book.Rail("big"); err != nil {
		c.t.Fatal(err)
	}
	return r.Condition()
}

// smuggle writes an entry past Slipway.
func (c *counter) smuggle(step int, entry ledger.Grant) {
	c.t.Helper()
	s := ledger.Subject{App: "hello", Environment: "prod"}
	h, err := ledger.ReadHistory(context.Background(), c.place.Ledger, s)
	if err == nil {
		_, err = c.place.Ledger.Append(context.Background(), ledger.Draft{Subject: s, After: h.Head, ID: fmt.Sprint("smuggled/", step), Kind: ledger.RailGranted, Time: c.now, By: "mallory", Body: entry})
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// A grant that is gone, or that was altered, opens nothing, and a revocation that is gone
// still counts.
func TestGrantsThatCannotBeRead(t *testing.T) {
	c := newCounter(t)
	if _, err := c.flow.Grant(t.Context(), c.granting("ana", 5)); err != nil || !c.open() {
		t.Fatalf("it is closed: %v", err)
	}
	c.smuggle(1, ledger.Grant{Grant: slipway.Grant{App: "hello", Environment: "prod", Rail: "big", Person: "bo"}, Statement: slipway.DigestOf([]byte("gone"))})
	if !c.open() {
		t.Error("what is gone closed it")
	}
	all, err := c.flow.Grants(t.Context(), "prod")
	if err != nil || len(all) != 2 || !strings.Contains(all[1].Void, "hello/evidence/") {
		t.Errorf("got %+v, %v", all, err)
	}
	c.smuggle(2, ledger.Grant{Grant: slipway.Grant{App: "hello", Environment: "prod", Rail: "big", Person: "bo", Revokes: all[0].Statement}, Statement: slipway.DigestOf([]byte("gone too"))})
	if c.open() {
		t.Error("a revocation that cannot be read did not count")
	}
}
