package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/store"
)

func fresh(t *testing.T) *store.Store {
	t.Helper()
	return open(t, place(t))
}

func change(t *testing.T, s *store.Store, fn func(*store.Tx) error) {
	t.Helper()
	if err := s.Change(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// issue makes the token ci of ana's.
func issue(t *testing.T, s *store.Store, now time.Time) (access.Token, string) {
	t.Helper()
	p := access.Policy{Rules: access.Rules{Limits: access.DefaultLimits()}, Now: now}
	k, secret, err := p.Issue(access.Identity{Person: "ana"}, access.Token{
		Name: "ci", Owner: "ana", Scopes: []access.Scope{{Action: access.Deploy, App: "traffic", Environment: "prod"}, {Action: access.Read}}, Expires: now.Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	change(t, s, func(tx *store.Tx) error { return tx.AddToken(t.Context(), k) })
	return k, secret
}

func accessEntries(t *testing.T, s *store.Store) []ledger.Entry {
	t.Helper()
	all, err := s.Ledger(at).Entries(t.Context(), ledger.Subject{App: access.ChainApp, Environment: access.ChainEnvironment}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTokens(t *testing.T) { onBoth(t, testTokens) }

func testTokens(t *testing.T) {
	t.Helper()
	s := fresh(t)
	k, secret := issue(t, s, at())
	got, err := s.Token(t.Context(), secret)
	if diff := cmp.Diff(k, got); err != nil || diff != "" {
		t.Fatalf("%v, token (-want +got):\n%s", err, diff)
	}
	all, err := s.Tokens(t.Context(), "ana")
	if diff := cmp.Diff([]access.Token{k}, all); err != nil || diff != "" {
		t.Errorf("%v, list (-want +got):\n%s", err, diff)
	}
	if all, err = s.Tokens(t.Context(), "bo"); err != nil || len(all) != 0 {
		t.Errorf("bo has %v, %v", all, err)
	}
	_, err = s.Token(t.Context(), access.NewSecret())
	wantError(t, err, slipway.Denied, "nobody has that token here", "is it for another server?")
	_, err = s.Token(t.Context(), secret[:20])
	wantError(t, err, slipway.Denied, "that is not a token of Slipway", "a token begins with slw_")
	err = s.Change(t.Context(), func(tx *store.Tx) error { return tx.AddToken(t.Context(), k) })
	wantError(t, err, slipway.Conflict, "ana has a token ci already", "choose another name, or revoke it first")
	for range 2 {
		change(t, s, func(tx *store.Tx) error { return tx.EndToken(t.Context(), k.ID, "olga", at().Add(time.Minute)) })
	}
	if got, err = s.Token(t.Context(), secret); err != nil || !got.Ended.Equal(at().Add(time.Minute)) {
		t.Errorf("revoked at %v, %v", got.Ended, err)
	}
	err = s.Change(t.Context(), func(tx *store.Tx) error { return tx.EndToken(t.Context(), "token-x", "olga", at()) })
	wantError(t, err, slipway.NotFound, "there is no token token-x", "slipway token list")
	issue(t, s, at()) // its name is free again
	issue(t, s, at().Add(2*time.Hour))
	var kinds []string
	for _, e := range accessEntries(t, s) {
		kinds = append(kinds, e.Kind+" by "+e.By)
		if strings.Contains(string(e.Body), k.Hash) || strings.Contains(string(e.Body), secret) {
			t.Errorf("the ledger has %s", e.Body)
		}
	}
	want := []string{"access.token by ana", "access.untoken by olga", "access.token by ana", "access.token by ana"}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}

func TestTheTokenIsNowhere(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "slipway.db"))
	_, secret := issue(t, s, at())
	execute(t, s, "PRAGMA wal_checkpoint(TRUNCATE)")
	files, err := filepath.Glob(dir + "/*")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		if data := read(t, file); strings.Contains(data, secret) || strings.Contains(data, secret[4:30]) {
			t.Errorf("the token is in %s", file)
		}
	}
}

func TestUsedOnceAMinute(t *testing.T) { onBoth(t, testUsedOnceAMinute) }

func testUsedOnceAMinute(t *testing.T) {
	t.Helper()
	s := fresh(t)
	k, secret := issue(t, s, at())
	for _, c := range []struct {
		now, want time.Time
	}{
		{at().Add(30 * time.Second), at()},
		{at().Add(50 * time.Second), at()},
		{at().Add(61 * time.Second), at().Add(time.Minute)},
		{at().Add(20 * time.Second), at().Add(time.Minute)}, // somebody slow
	} {
		if err := s.Used(t.Context(), k, c.now); err != nil {
			t.Fatal(err)
		}
		got, err := s.Token(t.Context(), secret)
		if err != nil || !got.Used.Equal(c.want) {
			t.Errorf("at %s it was used at %s, %v; want %s", c.now, got.Used, err, c.want)
		}
		k = got
	}
}

func TestSessions(t *testing.T) { onBoth(t, testSessions) }

func testSessions(t *testing.T) {
	t.Helper()
	s := fresh(t)
	l := access.DefaultLimits()
	secret := access.NewSecret()
	x := access.Session{Hash: access.HashSecret(secret), Person: "ana", Teams: []string{"data", "web"}, Made: at(), Used: at()}
	if err := s.AddSession(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	got, err := s.Session(t.Context(), secret)
	if diff := cmp.Diff(x, got); err != nil || diff != "" {
		t.Fatalf("%v, session (-want +got):\n%s", err, diff)
	}
	_, err = s.Session(t.Context(), "another")
	wantError(t, err, slipway.Denied, "your session has ended", "sign in again")
	wantError(t, x.Good(l, at().Add(l.Idle)), slipway.Denied, "your session has ended", "sign in again")
	later := at().Add(l.Idle - time.Minute)
	if err := s.TouchSession(t.Context(), x, later); err != nil {
		t.Fatal(err)
	}
	if got, err = s.Session(t.Context(), secret); err != nil || got.Good(l, at().Add(l.Idle)) != nil {
		t.Errorf("used at %s, %v", got.Used, err)
	}
	got.Used = at().Add(l.Session)
	wantError(t, got.Good(l, at().Add(l.Session)), slipway.Denied, "your session has ended", "sign in again")
	if err := s.EndSession(t.Context(), secret, l, later); err != nil {
		t.Fatal(err)
	}
	_, err = s.Session(t.Context(), secret)
	wantError(t, err, slipway.Denied, "your session has ended", "sign in again")
}

func TestPendingIsTakenOnce(t *testing.T) { onBoth(t, testPendingIsTakenOnce) }

func testPendingIsTakenOnce(t *testing.T) {
	t.Helper()
	s := fresh(t)
	for _, name := range []string{"one", "late"} {
		if err := s.Begin(t.Context(), "oidc", name, map[string]string{"nonce": name}, at(), at().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	var taken []map[string]string
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var body map[string]string
			ok, err := s.Take(t.Context(), "oidc", "one", at(), &body)
			if err != nil {
				t.Error(err)
			}
			if ok {
				mu.Lock()
				defer mu.Unlock()
				taken = append(taken, body)
			}
		})
	}
	wg.Wait()
	if diff := cmp.Diff([]map[string]string{{"nonce": "one"}}, taken); diff != "" {
		t.Errorf("taken (-want +got):\n%s", diff)
	}
	for name, c := range map[string]struct {
		kind, secret string
		now          time.Time
	}{"late": {"oidc", "late", at().Add(time.Minute)}, "another kind": {"command", "late", at()}, "never": {"oidc", "never", at()}} {
		if ok, err := s.Take(t.Context(), c.kind, c.secret, c.now, new(any)); ok || err != nil {
			t.Errorf("%s: %v, %v", name, ok, err)
		}
	}
}

func TestTooManyPending(t *testing.T) { onBoth(t, testTooManyPending) }

func testTooManyPending(t *testing.T) {
	t.Helper()
	s := fresh(t)
	execute(t, s, fmt.Sprintf(`INSERT INTO pending WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
		SELECT 'oidc', i, '{}', %d FROM n`, at().Add(time.Minute).UnixMilli()))
	err := s.Begin(t.Context(), "oidc", "mine", 1, at(), at().Add(time.Minute))
	wantError(t, err, slipway.Busy, "too many sign-ins are under way", "try again in some minutes")
	if err := s.Begin(t.Context(), "oidc", "mine", 1, at().Add(time.Minute), at().Add(time.Hour)); err != nil {
		t.Errorf("when they have ended: %v", err)
	}
}

func TestDelegations(t *testing.T) { onBoth(t, testDelegations) }

func testDelegations(t *testing.T) {
	t.Helper()
	s := fresh(t)
	d := access.Delegation{
		ID: "d1", From: "data", By: "ana", To: "dee", Scopes: []access.Scope{{Action: access.Deploy, Environment: "prod"}},
		Until: at().Add(time.Hour), Why: "vacation", Made: at(),
	}
	change(t, s, func(tx *store.Tx) error { return tx.AddDelegation(t.Context(), d) })
	list := func(since time.Time) []access.Delegation {
		all, err := s.Delegations(t.Context(), since)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if diff := cmp.Diff([]access.Delegation{d}, list(at())); diff != "" {
		t.Errorf("listed (-want +got):\n%s", diff)
	}
	if all := list(at().Add(time.Hour)); len(all) != 0 {
		t.Errorf("after its end %v", all)
	}
	for range 2 {
		change(t, s, func(tx *store.Tx) error { return tx.EndDelegation(t.Context(), "d1", "bo", at().Add(time.Minute)) })
	}
	if all := list(at()); len(all) != 0 {
		t.Errorf("revoked, and listed: %v", all)
	}
	d.Ended, d.EndedBy = at().Add(time.Minute), "bo"
	if diff := cmp.Diff([]access.Delegation{d}, list(time.Time{})); diff != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
	err := s.Change(t.Context(), func(tx *store.Tx) error { return tx.EndDelegation(t.Context(), "d2", "bo", at()) })
	wantError(t, err, slipway.NotFound, "there is no delegation d2", "")
	entries := accessEntries(t, s)
	if len(entries) != 2 || entries[0].Kind != access.Delegated || entries[1].Kind != access.Revoked || entries[1].By != "bo" {
		t.Errorf("ledger %+v", entries)
	}
}

// What is kept and its entry are one: if the one fails, so does the other.
func TestNoActWithoutItsEntry(t *testing.T) { onBoth(t, testNoActWithoutItsEntry) }

func testNoActWithoutItsEntry(t *testing.T) {
	t.Helper()
	s := fresh(t)
	fault := errors.New("no")
	err := s.Change(t.Context(), func(tx *store.Tx) error {
		if err := tx.AddDelegation(t.Context(), access.Delegation{ID: "d1", From: "ana", By: "ana", To: "bo", Made: at(), Until: at()}); err != nil {
			return err
		}
		return fault
	})
	if !errors.Is(err, fault) {
		t.Fatal(err)
	}
	all, err := s.Delegations(t.Context(), time.Time{})
	if err != nil || len(all) != 0 || len(accessEntries(t, s)) != 0 {
		t.Errorf("there are %v and %v, %v", all, accessEntries(t, s), err)
	}
}

func TestRefusals(t *testing.T) { onBoth(t, testRefusals) }

func testRefusals(t *testing.T) {
	t.Helper()
	s := fresh(t)
	refused := func(r access.Refusal) {
		t.Helper()
		if err := s.Refused(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	ana := access.Refusal{Time: at(), Who: "ana", Do: access.Deploy, On: "traffic in prod", Why: "not a deployer of prod", From: "10.0.0.7"}
	refused(ana)
	again := ana
	again.Time = at().Add(20 * time.Second)
	refused(again)
	later := ana
	later.Time = at().Add(time.Minute)
	refused(later)
	long := access.Refusal{Time: at(), Who: strings.Repeat("x", 10_000), Why: "nobody knows who asks"}
	refused(long)
	all, err := s.Refusals(t.Context(), 10)
	long.Who, long.Count, ana.Count, later.Count = strings.Repeat("x", 300)+"...", 1, 2, 1
	if diff := cmp.Diff([]access.Refusal{later, ana, long}, all); err != nil || diff != "" {
		t.Errorf("%v, refusals (-want +got):\n%s", err, diff)
	}
	for range 2 {
		if err := s.ChainRefusals(t.Context(), at().Add(70*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	entries := accessEntries(t, s)
	if len(entries) != 1 || entries[0].Kind != access.Refused || strings.Count(string(entries[0].Body), `"who"`) != 2 {
		t.Fatalf("ledger %+v", entries)
	}
	refused(ana) // told late, of a minute that is in the ledger already
	if err := s.ChainRefusals(t.Context(), at().Add(2*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if entries = accessEntries(t, s); len(entries) != 2 {
		t.Errorf("ledger %+v", entries)
	}
}

func TestManyRefusals(t *testing.T) { onBoth(t, testManyRefusals) }

func testManyRefusals(t *testing.T) {
	t.Helper()
	s := fresh(t)
	for i := range 520 {
		if err := s.Refused(t.Context(), access.Refusal{Time: at(), Who: fmt.Sprint("stranger ", i), Why: "nobody knows who asks"}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := s.Refusals(t.Context(), 1000)
	if err != nil || len(all) != 501 {
		t.Fatalf("%d refusals, %v", len(all), err)
	}
	if all[0].Who != "many others" || all[0].Count != 20 {
		t.Errorf("the others: %+v", all[0])
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
