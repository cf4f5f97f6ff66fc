//go:build linux && amd64

package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/dossier"
	"github.com/slipway-cd/slipway/fsck"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/object"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/repository"
	buckets "github.com/slipway-cd/slipway/repository/bucket"
	"github.com/slipway-cd/slipway/repository/folder"
)

// roads are some apps with the way from dev to prod, for which qa and security sign.
// Releases, evidence and ledgers lie in folders, or in a bucket.
type roads struct {
	clone
	aws *cloud // nil: in folders
}

// beginnings is what has happened to each app.
var beginnings = map[string][]string{
	"new":  {},
	"made": {"release v1.0.0 --env prod"},
	"full": {"release v1.0.0 --env prod", signing + "ana --as qa", signing + "bo --as security"},
	"more": {"release v1.0.0 --env prod", signing + "ana --as qa", signing + "bo --as security"},
	"self": {"release v1.0.0 --env prod", signing + "ana --as qa"}, // it comes to prod by itself
	"held": {"release v1.0.0 --env prod", "quarantine v1.0.0 --why bad --key ../keys/bo"},
	"open": {"release v1.0.0 --env prod", "grant long-jobs prod --until 2099-12-31 --why reload --key ../keys/ana"},
}

func inFolders(t *testing.T) roads {
	t.Helper()
	return newRoads(t, roads{clone: newClone(t)}, "staging/dev/artifacts", "staging/prod/artifacts")
}

func inBuckets(t *testing.T) roads {
	t.Helper()
	aws := newCloud(t)
	const options = "?use_path_style=true&region=us-east-1"
	return newRoads(t, roads{clone: newClone(t), aws: &aws}, "s3://acme-artifacts/dev"+options, "s3://acme-artifacts/prod"+options)
}

func newRoads(t *testing.T, r roads, dev, prod string) roads {
	t.Helper()
	r = r.at(r.aws)
	text := `slipway: v1
environments:
  dev: {runtime: local, root: staging/dev/runtime, repository: "` + dev + `"}
  prod: {runtime: local, root: staging/prod/runtime, repository: "` + prod + `", follows: dev, sign_offs: [qa, security]}
rails:
  - {name: long-jobs, environments: [prod], when: run.timeout > duration("1h"), effect: exception, by: [qa], message: it is long}
people: {ana: {keys: ["` + r.key(t, "ana") + `"]}, bo: {keys: ["` + r.key(t, "bo") + `"]}}
roles: {qa: {people: [ana]}, security: {people: [bo]}}
signers: {ci: {keys: ["` + r.key(t, "ci") + `"]}}
`
	r.write(t, "platform.yaml", text)
	r.write(t, ".gitignore", "/.slipway/\n/staging/\n/keys/\n")
	for app := range beginnings {
		timeout, deliver := "30m", ""
		switch app {
		case "made", "open":
			timeout = "3h"
		case "self":
			deliver = "deliver: {signed: prod}\n"
		}
		r.write(t, app+"/job.py", "print('"+app+"')\n")
		r.write(t, app+"/slipway.yaml", "slipway: v1\napp: "+app+"\nshape: python-job\nbuild: {script: job.py}\nchecks: {unit: {run: 'true'}}\nrun: {timeout: "+timeout+"}\n"+deliver)
	}
	r.commit(t, "All apps")
	return r
}

// key makes a key and returns its public half.
func (r roads) key(t *testing.T, name string) string {
	t.Helper()
	file := r.file("keys/" + name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	return strings.TrimSpace(r.read(t, "keys/"+name+".pub"))
}

// prepare does what has happened to each app.
func (r roads) prepare(t *testing.T) {
	t.Helper()
	for app, all := range beginnings {
		for _, line := range all {
			r.in(app).must(t, words(line)...)
		}
	}
}

// at is the clone with an account, and with the machine's key where it is now.
func (r roads) at(aws *cloud) roads {
	r.aws = aws
	r.env = []string{"SLIPWAY_SIGNING_KEY=" + r.file("keys/ci"), "SSH_AUTH_SOCK="}
	if aws != nil {
		r.env = append(r.env, aws.Environ...)
	}
	return r
}

// copy is all of it at another place.
func (r roads) copy(t *testing.T) roads {
	t.Helper()
	r.clone = r.clone.copy(t)
	if r.aws == nil {
		return r.at(nil)
	}
	aws := r.aws.copy(t)
	return r.at(&aws)
}

// in is the clone with its commands at work in an app's folder.
func (r roads) in(app string) clone {
	c := r.clone
	c.below = app
	return c
}

// open opens the repository of an environment, by another way than the command does.
func (r roads) open(t *testing.T, env string) repository.Repository {
	t.Helper()
	if r.aws == nil {
		dir := r.file("staging/" + env + "/artifacts")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		return opened(t)(folder.Open(dir))
	}
	address := "s3://acme-artifacts/" + env + "?use_path_style=true&region=us-east-1"
	return opened(t)(buckets.Open(t.Context(), address, r.aws.Settings))
}

// books are what the ledgers tell of some apps, a line for each entry.
func (r roads) books(t *testing.T, apps []string) []string {
	t.Helper()
	var all []string
	for _, env := range []string{"dev", "prod"} {
		l := object.New(r.open(t, env), time.Now)
		for _, app := range apps {
			h, err := ledger.ReadHistory(t.Context(), l, ledger.Subject{App: app, Environment: env})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range h.Entries {
				all = append(all, fmt.Sprintf("%s in %s: %s, on %d statements", app, env, setDigest.ReplaceAllString(h.Describe(e), "(set)"), len(e.Statements)))
			}
		}
	}
	return all
}

var setDigest = regexp.MustCompile(`\(set [0-9a-f]+\)`) // it has the time of the releases in it

// proved holds the ledgers, the repositories and the evidence against each other: each
// object under a final name is whole, each entry has its evidence, and whatever was
// released or promoted can be proved to an auditor.
func (r roads) proved(t *testing.T, apps []string) {
	t.Helper()
	if r.aws == nil {
		r.whole(t)
	}
	for _, env := range []string{"dev", "prod"} {
		repo := r.open(t, env)
		r.noParts(t, env, repo)
		l := object.New(repo, time.Now)
		report, err := fsck.Check(t.Context(), fsck.Config{Environment: env, Ledger: l, Repository: repo})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range report.Findings {
			if !f.Kind.Note() {
				t.Errorf("%s in %s: %s", f.App, env, f.Text)
			}
		}
		for _, app := range apps {
			h, err := ledger.ReadHistory(t.Context(), l, ledger.Subject{App: app, Environment: env})
			if err != nil {
				t.Fatal(err)
			}
			if _, in := h.Admitted("v1.0.0"); in {
				r.auditor(t, app, env)
			}
		}
	}
}

// auditor proves a release from its commit to where it is.
func (r roads) auditor(t *testing.T, app, last string) {
	t.Helper()
	p, err := manifest.LoadPlatform("platform.yaml", []byte(r.read(t, "platform.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	c := dossier.Content{Header: dossier.Header{App: app, Version: "v1.0.0"}}
	for _, env := range []string{"dev", "prod"} {
		repo := r.open(t, env)
		chain, err := object.New(repo, time.Now).Entries(t.Context(), ledger.Subject{App: app, Environment: env}, 0)
		if err != nil {
			t.Fatal(err)
		}
		c.Environments, c.Chains = append(c.Environments, env), append(c.Chains, chain)
		rel, _, err := repository.FindRelease(t.Context(), repo, app, "v1.0.0")
		if err != nil {
			t.Fatalf("%s let in what is not there: %v", env, err)
		}
		for name, key := range map[string]string{dossier.RecordFile: slipway.ReleaseKey(app, "v1.0.0"), rel.Manifest.Name: rel.Manifest.Key, rel.Checks.Name: rel.Checks.Key} {
			data := r.object(t, repo, key)
			c.Files = append(c.Files, dossier.File{Environment: env, Name: name, Digest: slipway.DigestOf(data), Data: data})
		}
		for _, d := range dossier.Named(chain, "v1.0.0") {
			c.Statements = append(c.Statements, r.object(t, repo, slipway.StatementKey(app, d)))
		}
		if env == last {
			break
		}
	}
	for _, f := range dossier.Prove(c, pipeline.VerifyPolicy(p)).Faults {
		t.Errorf("%s v1.0.0 in %s is not proved: %s", app, last, f)
	}
}

func (r roads) object(t *testing.T, repo repository.Repository, key string) []byte {
	t.Helper()
	data, _, err := repo.Read(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

var (
	artifactKey  = regexp.MustCompile(`^[^/]+/([0-9a-f]{8})/[^/]+$`)
	statementKey = regexp.MustCompile(`^[^/]+/evidence/([0-9a-f]{64})\.json$`)
	recordKey    = regexp.MustCompile(`^[^/]+/releases/[^/]+$`)
)

// noParts proves that each object has the bytes that its name says, and that all is
// there of a release whose record is.
func (r roads) noParts(t *testing.T, env string, repo repository.Repository) {
	t.Helper()
	for o, err := range repo.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		for _, named := range []*regexp.Regexp{artifactKey, statementKey} {
			if m := named.FindStringSubmatch(o.Key); m != nil {
				if d := slipway.DigestOf(r.object(t, repo, o.Key)); !strings.HasPrefix(d.Hex(), m[1]) {
					t.Errorf("%s in %s has %s", o.Key, env, d)
				}
			}
		}
		if !recordKey.MatchString(o.Key) {
			continue
		}
		var rel slipway.Release
		parse(t, string(r.object(t, repo, o.Key)), &rel)
		for _, a := range rel.Files() {
			if d := slipway.DigestOf(r.object(t, repo, a.Key)); d != a.Digest {
				t.Errorf("%s in %s has %s of %s, not %s", o.Key, env, d, a.Key, a.Digest)
			}
		}
	}
}

// evidenceOf are the statements that lie beside some apps' artifacts, with whether an
// entry of the ledger names them.
func (r roads) evidenceOf(t *testing.T, apps []string) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for _, env := range []string{"dev", "prod"} {
		repo := r.open(t, env)
		l := object.New(repo, time.Now)
		for _, app := range apps {
			for o, err := range repo.List(t.Context(), app+"/evidence/", "") {
				if err != nil {
					t.Fatal(err)
				}
				all[env+" "+o.Key] = false
			}
			chain, err := l.Entries(t.Context(), ledger.Subject{App: app, Environment: env}, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range chain {
				for _, d := range e.Statements {
					all[env+" "+slipway.StatementKey(app, d)] = true
				}
			}
		}
	}
	return all
}

func (r roads) statements(t *testing.T, apps []string) int {
	t.Helper()
	return len(r.evidenceOf(t, apps))
}

// strays are statements that no entry names.
func (r roads) strays(t *testing.T, apps []string) []string {
	t.Helper()
	var all []string
	for key, named := range r.evidenceOf(t, apps) {
		if !named {
			all = append(all, key)
		}
	}
	return all
}
