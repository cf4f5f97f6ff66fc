//go:build linux && amd64

package main_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/server"
	"github.com/slipway-cd/slipway/store"
)

// newTalk is a site whose forge has pull requests, on which people say what is to be
// done. It has two apps, staging, prod behind a sign-off, and canary behind nothing. The
// server signs for people.
func newTalk(t *testing.T, keep func(*testing.T, site) site) site {
	t.Helper()
	s := newSite(t, "deliver: {signed: prod}\n")
	s.change(t, "slipway.yaml", "environments:\n", "environments:\n  prod: {run: {arguments: {target: out/prod.json}}}\n  canary: {run: {arguments: {target: out/canary.json}}}\n")
	s.write(t, "other/slipway.yaml", "slipway: v1\napp: other\nteam: data\nshape: python-job\nbuild: {script: other.py}\n")
	s.write(t, "other/other.py", "print('other')\n")
	s.git(t, "add", "-A")
	s.git(t, "commit", "-q", "--amend", "-m", "version 1")
	public := s.signs(t)
	s.hub = startHub(t, filepath.Join(s.dir, "git", "pulse.git"), hubState{})
	s.write(t, "../forge.pem", string(s.hub.certificate))
	trusted := filepath.Join(s.dir, "forge.pem")
	s.env = append(s.env, "SLIPWAY_SECRET_FORGE_TOKEN=t0ken", "SSL_CERT_FILE="+trusted, "GIT_SSL_CAINFO="+trusted)
	s.write(t, "../platform.yaml", `slipway: v1
environments:
  staging: {runtime: local, root: srv/staging, repository: srv/artifacts}
  prod: {runtime: local, root: srv/prod, repository: srv/artifacts-prod, follows: staging, sign_offs: [qa], deployers: [mara, ana]}
  canary: {runtime: local, root: srv/canary, repository: srv/artifacts-canary, follows: staging, deployers: [mara, ana]}
teams: {data: {people: [mara, ana]}}
people: {mara: {login: mara, email: mara@example.com}, ana: {login: ana}}
roles: {qa: {people: [ana]}}
access: {owners: [mara]}
rails:
  - {name: retries, environments: [prod], when: run.max_retries > 0, effect: exception, by: [qa], message: it tries again}
signers: {server: {keys: ["`+public+`"], speaks_for_people: true}}
server: {forges: {home: {kind: gitea, url: "`+s.hub.url+`", token: {secret: forge/token}, every: 1s}}}
`)
	s = keep(t, s)
	explained(t, s)
	s.lives(t, func(ctx context.Context, l *life) error {
		if err := l.push(ctx, "main"); err != nil {
			return err
		}
		if err := l.jobs(ctx, done(2, "ship")); err != nil {
			return err
		}
		if err := l.account(ctx, t, &account{}); err != nil {
			return err
		}
		return l.release(ctx)
	})
	return s
}

// signs gives the site a key, and returns its public half.
func (s *site) signs(t *testing.T) string {
	t.Helper()
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte("s"), ed25519.SeedSize))
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	s.env = append(s.env, "SLIPWAY_SIGNING_KEY="+string(pem.EncodeToMemory(block)))
	return evidence.NewKey(private.Public().(ed25519.PublicKey)).String() //nolint:forcetypeassert // it is that
}

// lives is a life without a kill.
func (s site) lives(t *testing.T, until func(context.Context, *life) error) {
	t.Helper()
	if status := s.live(t, fate{until: until}); status.ExitStatus() != 0 {
		t.Fatalf("the server ended with %v", status)
	}
}

// release keeps in the file versions which releases of the apps are in staging.
func (l *life) release(ctx context.Context) error {
	c, err := l.client(ctx)
	if err != nil {
		return err
	}
	var versions []string
	for _, app := range talkApps {
		h, err := c.History(ctx, app, "staging")
		if err != nil || len(h.Admissions) == 0 {
			return fmt.Errorf("the releases of %s: %v, %w", app, h.Admissions, err)
		}
		versions = append(versions, h.Admissions[0].Version)
	}
	return os.WriteFile(filepath.Join(l.dir, "versions"), []byte(strings.Join(versions, "\n")), 0o600)
}

// The apps of a talk, and its chains behind staging.
var (
	talkApps         = []string{"pulse", "other"}
	talkEnvironments = []string{"prod", "canary"}
)

// versions are those of the first releases of pulse and other.
func (s site) versions() ([]string, error) {
	data, err := os.ReadFile(filepath.Join(s.dir, "versions"))
	return strings.Split(string(data), "\n"), err
}

// propose pushes the second version to the branch change, which is a pull request.
func propose(ctx context.Context, l *life) error {
	out, err := l.gitCommand("push", "-q", filepath.Join(l.dir, "git", "pulse.git"), "main:refs/heads/change").CombinedOutput()
	if err != nil {
		return fmt.Errorf("push: %w\n%s", err, out)
	}
	return ctx.Err()
}

// says is what others do: somebody writes a comment, in which PULSE is the version of the
// release.
func says(by, body string) func(context.Context, *life) error {
	return func(ctx context.Context, l *life) error {
		versions, err := l.versions()
		if err != nil {
			return err
		}
		l.hub.say(by, strings.ReplaceAll(body, "PULSE", versions[0]))
		return ctx.Err()
	}
}

// promoteSet asks for both releases to come to canary, under one key, until the server
// has heard of it.
func promoteSet(ctx context.Context, l *life) error {
	versions, err := l.versions()
	if err != nil {
		return err
	}
	c, err := l.client(ctx)
	if err != nil {
		return err
	}
	var in server.SetRequest
	for i, app := range talkApps {
		in.Members = append(in.Members, server.SetRelease{App: app, Version: versions[i]})
	}
	_, err = c.PromoteSet(ctx, "the-one-set", "canary", in)
	return unlessKilled(ctx, err)
}

// chains are the kinds of the entries in each chain behind staging.
func (s site) chains(ctx context.Context, st *store.Store) (map[string][]string, error) {
	var found map[string][]string
	for _, app := range talkApps {
		for _, env := range talkEnvironments {
			entries, err := st.Ledger(nil).Entries(ctx, ledger.Subject{App: app, Environment: env}, 0)
			if err != nil {
				return nil, err
			}
			if found == nil && len(entries) > 0 {
				found = map[string][]string{}
			}
			for _, e := range entries {
				by, _, _ := strings.Cut(e.By, " (job ")
				found[app+" in "+env] = append(found[app+" in "+env], e.Kind+" by "+by)
			}
		}
	}
	return found, nil
}

// proven proves that what is in the ledger rests on statements that are there: nothing
// was released, promoted, signed or deployed without evidence, at any moment.
func (s site) proven(t *testing.T) {
	t.Helper()
	st, err := s.database(t.Context())
	if err != nil || st == nil {
		return // it was killed before there was one, or while it was made: that is seen elsewhere
	}
	defer st.Close()
	l := st.Ledger(nil)
	subjects, err := l.Subjects(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	places := map[string]string{"staging": "srv/artifacts", "prod": "srv/artifacts-prod", "canary": "srv/artifacts-canary"}
	for _, subject := range subjects {
		place := places[subject.Environment]
		if place == "" { // a chain of the server's own
			continue
		}
		entries, err := l.Entries(t.Context(), subject, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if len(e.Statements) == 0 && e.Kind != ledger.ReleaseJoined { // that only says that a gate is open
				t.Errorf("%s %s rests on no statement", subject, e.Kind)
			}
			for _, d := range e.Statements {
				if !exists(filepath.Join(s.dir, place, slipway.StatementKey(e.App, d))) {
					t.Errorf("%s %s rests on %s, which is not there", subject, e.Kind, d)
				}
			}
		}
	}
}

// talkServices are what a server does when people say something on a pull request, and
// when several releases come to an environment at once.
func talkServices(t *testing.T, keep func(*testing.T, site) site) []service {
	t.Helper()
	shipped := once(func() site {
		s := newTalk(t, keep)
		s.secondVersion(t)
		return s
	})
	proposed := once(func() site {
		s := shipped().copy(t)
		s.settled(t, propose, done(1, "check"))
		return s
	})
	const ship, grant = "/slipway ship staging", "/slipway grant retries in prod until 2099-01-31 because we must"
	shipping := talkBooks([]string{"check done", "comment done", "ship done"}, nil,
		"mara says "+ship, "answer: > `"+ship+"`\n\nJob: `V` is live in `staging` (deployment 2).")
	shipping.account = account{
		Releases: []string{"v1", "v2"}, Deployments: []string{"1 of v1 deployed", "2 of v2 deployed"}, Live: "v2 live",
		Runs: []string{"deployment-2 of v2 succeeded", "deployment-1 of v1 succeeded"},
	}
	shipping.Lines = append(shipping.Lines, "deployment-2 out/staging.json version 2")
	joined := []string{"release.joined by mara (token test)", "release.promoted by mara (token test)"}
	return []service{
		{name: "a pull request", kills: 6, shared: 3, from: shipped, meanwhile: propose, so: done(1, "check"), want: talkBooks([]string{"check done"}, nil)},
		{name: "a comment ships", kills: 6, shared: 3, from: proposed, meanwhile: says("mara", ship), so: done(1, "comment"), want: shipping},
		{
			name: "a comment signs, which promotes", kills: 6, shared: 4, from: proposed,
			meanwhile: says("ana", "/slipway sign-off PULSE for prod as qa"), so: done(1, "promote"),
			want: talkBooks([]string{"check done", "comment done", "sign-off done", "promote done"},
				map[string][]string{"pulse in prod": {"release.signed by ana", "release.promoted by ana"}},
				"ana says /slipway sign-off V for prod as qa",
				"answer: > `/slipway sign-off V for prod as qa`\n\nana says yes to release V as qa.\n\nAll who are asked have signed for `V` in `prod`."),
		},
		{
			name: "a comment opens a rail and promotes", kills: 5, shared: 2, from: proposed,
			meanwhile: says("ana", grant+"\n/slipway promote PULSE to canary"), so: done(1, "comment"),
			want: talkBooks([]string{"check done", "comment done", "grant done", "promote done"},
				map[string][]string{"pulse in prod": {"rail.granted by ana"}, "pulse in canary": {"release.promoted by ana"}}, "ana says "+grant,
				"answer: > `"+grant+"`\n\nana opens rail retries until 2099-01-31: we must.\n\n> `/slipway promote V to canary`\n\nJob: done."),
		},
		{
			name: "a set", kills: 5, shared: 3, from: proposed, meanwhile: promoteSet, so: done(1, "promote-set"),
			want: talkBooks([]string{"check done", "promote-set done"}, map[string][]string{"pulse in canary": joined, "other in canary": joined}),
		},
	}
}

// talkBooks are the books after the first version was shipped and the second one was
// proposed, and what came of that.
func talkBooks(jobs []string, chains map[string][]string, said ...string) serverBooks {
	shown := append([]string{
		"comment <!-- slipway -->", "label Merge Requirements Met", "status Merge Requirements Met success",
		"status slipway / pulse / build success", "status slipway / pulse / gate success", "status slipway / pulse / unit success",
	}, said...)
	slices.Sort(shown)
	return serverBooks{
		account: account{
			Releases: []string{"v1"}, Deployments: []string{"1 of v1 deployed"}, Live: "v1 live", Runs: []string{"deployment-1 of v1 succeeded"},
		},
		Jobs: append([]string{"push done", "ship done", "ship done"}, jobs...), Lines: []string{"deployment-1 out/staging.json version 1"},
		Chains: chains, Shown: shown,
	}
}
