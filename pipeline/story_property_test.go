package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/dossier"
	"github.com/slipway-cd/slipway/driver/drivertest"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/object"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/promote"
	"github.com/slipway-cd/slipway/release"
	"github.com/slipway-cd/slipway/shape"
)

// A company is people who push, sign, stand in, grant, hold and deploy, and what they
// remember of it. Releases are made in staging and come to prod.
type company struct {
	t    *testing.T
	flow *Flow
	turn sync.Mutex // over now: several statements are signed at once
	now  time.Time
	id   int

	standIn  []manifest.Delegation
	releases []slipway.Release
	said     map[string]map[string]slipway.SignOff // by version and person, their last word
	grants   []permission
	held     map[slipway.Digest]bool // the bytes of releases
	inProd   map[string]bool         // versions

	promoted, deployed, refused int
}

var (
	staff   = []string{"ana", "bo", "cy", "dee"}
	members = map[string][]string{"qa": {"ana", "dee"}, "security": {"bo", "dee"}, "finance": {"cy"}}
)

func newCompany(t *testing.T) *company {
	t.Helper()
	menu, err := shape.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Load("slipway.yaml", []byte("slipway: v1\napp: hello\nshape: python-job\nbuild: {script: a.py}\n"), menu)
	if err != nil {
		t.Fatal(err)
	}
	c := &company{t: t, now: noon(), said: map[string]map[string]slipway.SignOff{}, held: map[slipway.Digest]bool{}, inProd: map[string]bool{}}
	clock := func() time.Time {
		c.turn.Lock()
		defer c.turn.Unlock()
		c.now = c.now.Add(time.Millisecond)
		return c.now
	}
	c.flow = &Flow{
		Config: Config{
			Project: &Project{Manifest: m, shapes: menu}, Clock: clock, Emit: func(Event) {}, Log: io.Discard, Me: ledger.Holder{ID: "ci", Who: "ci@runner", Doing: "test"},
			Signer: func(context.Context) (evidence.Signer, error) { return pairOf("machine"), nil },
		},
		places: map[string]*Place{},
	}
	for _, env := range []string{"local", "staging", "prod"} {
		repo := folderRepo(t)
		c.flow.places[env] = &Place{Repository: repo, Ledger: object.New(repo, clock), Driver: drivertest.NewFake(t.TempDir(), clock, nil)}
	}
	c.load()
	return c
}

// load reads the platform file as it is now.
func (c *company) load() {
	c.t.Helper()
	var text strings.Builder
	text.WriteString(`slipway: v1
environments:
  staging: {runtime: local, repository: /tmp/staging}
  prod: {runtime: local, repository: /tmp/prod, root: /tmp/root, follows: staging, sign_offs: [qa, {role: security, valid: 10d}]}
rails:
  - {name: big, when: run.max_retries > 1, effect: exception, by: [finance], message: big, environments: [prod]}
`)
	fmt.Fprintf(&text, "signers: {runner: {keys: [%q]}}\npeople:\n", pairOf("machine").Key())
	for _, name := range staff {
		fmt.Fprintf(&text, "  %s: {keys: [%q]}\n", name, pairOf(name).Key())
	}
	text.WriteString("roles:\n")
	for _, role := range sortedKeys(members) {
		fmt.Fprintf(&text, "  %s: {people: [%s]}\n", role, strings.Join(members[role], ", "))
	}
	if len(c.standIn) > 0 {
		text.WriteString("delegations:\n")
	}
	for _, d := range c.standIn {
		fmt.Fprintf(&text, "  - {from: %s, to: %s, until: %s}\n", d.From, d.To, d.Until.Format(time.DateOnly))
	}
	p, err := manifest.LoadPlatform("platform.yaml", []byte(text.String()))
	if err != nil {
		c.t.Fatal(err)
	}
	c.flow.Project.Platform, c.flow.rails = p, nil
	for name, place := range c.flow.places {
		place.Environment, _ = p.Environment(name)
	}
}

func sortedKeys[V any](m map[string]V) []string {
	var all []string
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

// in reports whether a person is in a role now, by their own account.
func (c *company) in(role, person string) bool {
	return slices.Contains(members[role], person) || slices.ContainsFunc(c.standIn, func(d manifest.Delegation) bool {
		return d.To == person && slices.Contains(members[role], d.From) && c.now.Before(d.Until.AddDate(0, 0, 1))
	})
}

// push releases one of a few scripts to staging.
func (c *company) push(rt *rapid.T) {
	version := fmt.Sprint("v", len(c.releases)+1)
	script := fmt.Appendf(nil, "print(%d)\n", rapid.IntRange(1, 3).Draw(rt, "script"))
	resolved, err := json.Marshal(map[string]any{"slipway": "v1", "app": "hello", "shape": "python-job", "environments": map[string]any{
		"staging": map[string]any{"run": map[string]any{}}, "prod": map[string]any{"run": map[string]any{"max_retries": 5}},
	}})
	if err != nil {
		rt.Fatal(err)
	}
	commit := strings.Repeat(fmt.Sprintf("%x", len(c.releases)%16), 40)
	digest := slipway.DigestOf(script)
	p := c.flow.places["staging"]
	out, err := release.Stage{
		Environment: p.Environment.Environment, Repository: p.Repository, Ledger: p.Ledger, Clock: c.flow.Clock, Attest: c.flow.attestRelease(p, resolved, nil),
	}.Run(context.Background(), release.Input{
		App: "hello", Version: version, Source: slipway.Source{Commit: commit, Path: ".", Tree: "t"}, Manifest: resolved, By: "ci@runner",
		Artifacts: []slipway.Artifact{{
			Name: "a.py", Kind: slipway.KindScript, Digest: digest, Size: int64(len(script)), Key: slipway.ArtifactKey("hello", "a.py", digest, commit),
		}},
		Open: func(slipway.Artifact) (io.ReadSeekCloser, error) { return readSeekCloser{bytes.NewReader(script)}, nil },
	})
	if err != nil {
		rt.Fatal(err)
	}
	c.releases = append(c.releases, out.Release)
	c.said[version] = map[string]slipway.SignOff{}
}

type readSeekCloser struct{ io.ReadSeeker }

func (readSeekCloser) Close() error { return nil }

// sign has a person say something to a release.
func (c *company) sign(rt *rapid.T, person string, r slipway.Release) {
	in := c.signing(person, rapid.SampledFrom([]string{"qa", "security"}).Draw(rt, "role"), r)
	in.Answer = rapid.SampledFrom([]slipway.Answer{slipway.Yes, slipway.Yes, slipway.Yes, slipway.No, slipway.Withdrawn}).Draw(rt, "answer")
	if in.Answer == slipway.Yes && rapid.Bool().Draw(rt, "ends") {
		in.Until = c.now.AddDate(0, 0, rapid.IntRange(1, 5).Draw(rt, "days"))
	}
	c.say(rt, in)
}

// signing is a yes of a person.
func (c *company) signing(person, role string, r slipway.Release) promote.Signing {
	return promote.Signing{
		Input: promote.Input{App: "hello", Version: r.Version, By: person}, Role: role, Person: person, Key: pairOf(person), Answer: slipway.Yes,
	}
}

func (c *company) say(rt *rapid.T, in promote.Signing) {
	may := c.in(in.Role, in.Person)
	out, err := c.flow.SignOff(context.Background(), in, "prod")
	switch {
	case err == nil && !may:
		rt.Fatalf("%s is let sign as %s", in.Person, in.Role)
	case err == nil:
		c.said[in.Version][in.Person] = out.SignOff
	default:
		c.refused++
	}
}

// signed says who says yes to a version in a role, by their own account; a no that
// counts makes it nobody.
func (c *company) signed(version, role string) (yes []string) {
	for person, s := range c.said[version] {
		fits := c.in(s.Role, person) && (s.Until.IsZero() || c.now.Before(s.Until)) && (s.Role != "security" || c.now.Sub(s.Time) < 10*24*time.Hour)
		switch {
		case s.Answer == slipway.No && c.in(s.Role, person):
			return nil
		case s.Answer == slipway.Yes && s.Role == role && fits:
			yes = append(yes, person)
		}
	}
	return yes
}

// promote takes a release to prod, if it may.
func (c *company) promote(rt *rapid.T, r slipway.Release) {
	_, err := c.flow.Promote(context.Background(), promote.Input{App: "hello", Version: r.Version, By: "ci@runner"}, "prod")
	if err != nil {
		c.refused++
		return
	}
	if c.inProd[r.Version] {
		return
	}
	if c.held[r.Bytes()] {
		rt.Fatalf("%s was promoted in quarantine", r.Version)
	}
	qa, security := c.signed(r.Version, "qa"), c.signed(r.Version, "security")
	if len(qa) == 0 || len(security) == 0 {
		rt.Fatalf("%s was promoted with the yes of qa by %v, of security by %v", r.Version, qa, security)
	}
	for _, person := range qa {
		if slices.Contains(security, person) {
			rt.Fatalf("%s filled two roles for %s", person, r.Version)
		}
	}
	c.inProd[r.Version] = true
	c.promoted++
	c.prove(rt, r.Version)
}

// deploy brings a release to the runtime of prod, if it may.
func (c *company) deploy(rt *rapid.T, r slipway.Release) {
	c.id++
	out, _, err := c.flow.deploy(context.Background(), DeployInput{App: "hello", Environment: "prod", Version: r.Version, By: "ci@runner"}, fmt.Sprint("d", c.id))
	if err != nil {

		c.refused++
		return
	}
	granted := slices.ContainsFunc(c.grants, func(p permission) bool { return !p.revoked && c.now.Before(p.until) })
	switch {
	case !c.inProd[r.Version]:
		rt.Fatalf("%s was deployed before it was promoted", r.Version)
	case out.Made && c.held[r.Bytes()]:
		rt.Fatalf("%s was deployed in quarantine", r.Version)
	case out.Made && !granted:
		rt.Fatalf("%s was deployed over a closed rail", r.Version)
	}
	c.deployed++
	c.prove(rt, r.Version)
}

// prove writes the dossier of a release, and verifies it.
func (c *company) prove(rt *rapid.T, version string) {
	var out bytes.Buffer
	if _, err := c.flow.WriteDossier(context.Background(), &out, "hello", version, "prod", "ci@runner"); err != nil {
		rt.Fatal(err)
	}
	if err := dossier.Verify(out.Bytes(), VerifyPolicy(c.flow.Project.Platform)).Err(); err != nil {
		rt.Fatalf("the dossier of %s: %v", version, err)
	}
}

// hold puts a release into quarantine, or ends that.
func (c *company) hold(rt *rapid.T, person string, r slipway.Release, lift bool) {
	in := Holding{Version: r.Version, Why: "why not", Person: person, Key: pairOf(person), By: person}
	if !lift {
		if _, err := c.flow.Quarantine(context.Background(), in); err != nil {
			rt.Fatal(err)
		}
		c.held[r.Bytes()] = true
		return
	}
	may := c.in("qa", person) || c.in("security", person)
	_, err := c.flow.Lift(context.Background(), in)
	if err == nil && !may && c.held[r.Bytes()] {
		rt.Fatalf("%s lifted the quarantine of %s", person, r.Version)
	}
	if err == nil {
		c.held[r.Bytes()] = false
	}
}

// grant opens the rail, or closes it.
func (c *company) grant(rt *rapid.T, person string, revoke bool) {
	g := Granting{Environment: "prod", Rail: "big", Why: "why not", Until: c.now.AddDate(0, 0, rapid.IntRange(1, 9).Draw(rt, "days")), Person: person, Key: pairOf(person), By: person}
	may := c.in("finance", person)
	if revoke {
		if _, err := c.flow.Revoke(context.Background(), g); err == nil {
			for i := range c.grants {
				c.grants[i].revoked = true
			}
		}
		return
	}
	out, err := c.flow.Grant(context.Background(), g)
	if err == nil && !may {
		rt.Fatalf("%s is let grant", person)
	}
	if err == nil && out.Made {
		c.grants = append(c.grants, permission{who: person, until: g.Until})
	}
}

func (c *company) step(rt *rapid.T) {
	person := rapid.SampledFrom(staff).Draw(rt, "person")
	if len(c.releases) == 0 {
		c.push(rt)
	}
	r := rapid.SampledFrom(c.releases).Draw(rt, "release")
	switch rapid.SampledFrom([]string{"push", "sign", "sign", "sign", "agree", "agree", "promote", "promote", "grant", "revoke", "deploy", "deploy", "hold", "lift", "wait", "stand in"}).Draw(rt, "what") {
	case "push":
		c.push(rt)
	case "sign":
		c.sign(rt, person, r)
	case "agree": // those who usually do, and it goes on
		c.say(rt, c.signing("ana", "qa", r))
		c.say(rt, c.signing("bo", "security", r))
		c.promote(rt, r)
		c.deploy(rt, r)
	case "promote":
		c.promote(rt, r)
	case "grant":
		c.grant(rt, "cy", false)
		c.grant(rt, person, false)
	case "revoke":
		c.grant(rt, person, true)
	case "deploy":
		c.deploy(rt, r)
	case "hold":
		c.hold(rt, person, r, false)
	case "lift":
		c.hold(rt, person, r, true)
	case "wait":
		c.now = c.now.Add(time.Duration(rapid.IntRange(1, 96).Draw(rt, "hours")) * time.Hour)
	case "stand in":
		to := rapid.SampledFrom(slices.DeleteFunc(slices.Clone(staff), func(p string) bool { return p == person })).Draw(rt, "to")
		c.standIn = append(c.standIn, manifest.Delegation{From: person, To: to, Until: c.now.AddDate(0, 0, rapid.IntRange(0, 4).Draw(rt, "days")).Truncate(24 * time.Hour)})
		c.load()
	}
}

// Whatever people push, sign, withdraw, hand over, grant, take back and hold, and however
// much time passes: nothing comes to prod without a yes of one person for each role, nothing
// moves in quarantine, nothing is deployed over a closed rail, and of all that was done there
// is a dossier that proves it.
func TestStoryProperties(t *testing.T) {
	var promoted, deployed, refused int
	rapid.Check(t, func(rt *rapid.T) {
		c := newCompany(t)
		for range rapid.IntRange(5, 25).Draw(rt, "steps") {
			c.step(rt)
		}
		promoted, deployed, refused = promoted+c.promoted, deployed+c.deployed, refused+c.refused
	})
	if promoted == 0 || deployed == 0 || refused == 0 {
		t.Errorf("%d promotions, %d deployments and %d refusals: that looks at nothing", promoted, deployed, refused)
	}
	t.Logf("%d promotions, %d deployments, %d refusals", promoted, deployed, refused)
}
