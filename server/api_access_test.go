package server

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/tree"
	"github.com/slipway-cd/slipway/server/signin"
	"github.com/slipway-cd/slipway/store"
)

// named is a real door at which people come by their names.
type named struct{ *signin.Door }

func (n named) Identify(r *http.Request) (access.Identity, error) {
	name, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer name=")
	if !ok {
		return n.Door.Identify(r)
	}
	return access.Identity{Person: name}, nil
}

// managed is a world in which ana and bo are team data, and olga owns the platform.
func managed(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.opens = func(st *store.Store, url string) Doorkeeper {
		return named{signin.New(signin.Config{
			Store: st, URL: url, Clock: time.Now, Teams: st.AppTeams,
			Rules: func() (access.Rules, error) {
				return access.Rules{
					People:    map[string]access.Person{"ana": {}, "bo": {}, "olga": {}},
					Teams:     map[string]access.Team{"data": {People: []string{"ana"}}},
					Deployers: map[string][]string{"staging": nil, "prod": {"ana"}},
					Owners:    []string{"olga"}, Limits: access.DefaultLimits(),
				}, nil
			},
		})}
	}
	return w
}

// A talker sends requests as somebody and reads the answers.
type talker func(t *testing.T, who, method, path, body string, status int, header ...string) string

func (w *world) talker(t *testing.T) (*Server, talker) {
	t.Helper()
	s, h := w.idle(t)
	return s, func(t *testing.T, who, method, path, body string, status int, header ...string) string {
		t.Helper()
		answer, text := request(t, h, method, Root+path, body, append(header, "Authorization: Bearer "+who)...)
		if answer.StatusCode != status {
			t.Fatalf("%s %s as %s: %d %s, want %d", method, path, who, answer.StatusCode, text, status)
		}
		return text
	}
}

func read[T any](t *testing.T, text string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

// TestTokensOfTheAPI: a token is shown once, is good from then on until it is
// revoked, and is seen by its owner and by the owners of the platform.
func TestTokensOfTheAPI(t *testing.T) {
	_, ask := managed(t).talker(t)
	const mine = `{"name": "ci", "scopes": ["deploy:hello@staging"]}`
	made := read[NewToken](t, ask(t, "name=ana", "POST", "/tokens", mine, 201))
	if made.Owner != "ana" || !strings.HasPrefix(made.Secret, access.TokenPrefix) {
		t.Errorf("made %+v", made)
	}
	for _, c := range []struct {
		who, body, detail string
		status            int
	}{
		{"name=ana", mine, "ana has a token ci already", 409},
		{"name=ana", `{"name": "other", "owner": "bo", "scopes": ["all"]}`, "ana may not administer access: only owners of the platform may", 403},
		{"name=ana", `{"name": "other", "scopes": ["depoy"]}`, `"depoy" is not a scope`, 422},
		{"name=ana", `{"name": "other", "scopes": []}`, "expected array length", 422},
		{"name=olga", `{"name": "other", "owner": "zoe", "scopes": ["all"]}`, `the platform file has nobody called "zoe"`, 422},
		{made.Secret, `{"name": "more", "scopes": ["all"]}`, "cannot make a token that is good for more than deploy:hello@staging", 403},
	} {
		if text := ask(t, c.who, "POST", "/tokens", c.body, c.status); !strings.Contains(text, strings.Trim(string(toJSON(c.detail)), `"`)) {
			t.Errorf("%s: %s, want %s", c.body, text, c.detail)
		}
	}
	ask(t, "name=olga", "POST", "/tokens", `{"name": "laptop", "scopes": ["all"]}`, 201)
	names := func(who, query string) (all []string) {
		t.Helper()
		text := ask(t, who, "GET", "/tokens"+query, "", 200)
		if strings.Contains(text, made.Secret) || strings.Contains(text, access.HashSecret(made.Secret)) {
			t.Errorf("the list shows what nobody may see: %s", text)
		}
		for _, x := range read[List[access.Token]](t, text).Items {
			all = append(all, x.Name)
		}
		slices.Sort(all)
		return all
	}
	ask(t, "name=ana", "POST", "/tokens/"+made.ID+"x/revoke", "", 404)
	ask(t, "name=bo", "POST", "/tokens/"+made.ID+"/revoke", "", 404)
	ask(t, made.Secret, "GET", "/apps/hello", "", 200)
	for range 2 { // revoked again it stays revoked
		if x := read[access.Token](t, ask(t, "name=ana", "POST", "/tokens/"+made.ID+"/revoke", "", 200)); x.Ended.IsZero() {
			t.Errorf("it is not revoked: %+v", x)
		}
	}
	ask(t, made.Secret, "GET", "/apps/hello", "", 401)
	got := [][]string{names("name=ana", ""), names("name=ana", "?all=true"), names("name=bo", ""), names("name=olga", ""), names("name=olga", "?all=true")}
	if diff := cmp.Diff([][]string{nil, {"ci"}, nil, {"laptop"}, {"ci", "laptop"}}, got); diff != "" {
		t.Errorf("tokens (-want +got):\n%s", diff)
	}
}

// TestDelegationsOfTheAPI: what is handed over may be done until it is taken back,
// and a request that is sent again hands over once.
func TestDelegationsOfTheAPI(t *testing.T) {
	s, ask := managed(t).talker(t)
	day := s.Clock().AddDate(0, 0, 14).UTC().Format(time.RFC3339Nano)
	body := `{"to": "bo", "scopes": ["deploy:hello@prod"], "until": "` + day + `", "why": "away"}`
	deploy := func(status int) {
		t.Helper()
		ask(t, "name=bo", "POST", "/apps/hello/environments/prod/deployments", `{"version": "1.0.0"}`, status)
	}
	deploy(403)
	if text := ask(t, "name=olga", "POST", "/delegations", body, 403); !strings.Contains(text, "olga has nothing of deploy:hello@prod to hand over") {
		t.Error(text)
	}
	made := read[access.Handed](t, ask(t, "name=ana", "POST", "/delegations", body, 201, "Idempotency-Key: one"))
	if made.From != "ana" || made.By != "ana" || !made.Holds {
		t.Errorf("made %+v", made)
	}
	if again := read[access.Handed](t, ask(t, "name=ana", "POST", "/delegations", body, 201, "Idempotency-Key: one")); again.ID != made.ID {
		t.Errorf("sent again it is %s, not %s", again.ID, made.ID)
	}
	if text := ask(t, "name=ana", "POST", "/delegations", strings.Replace(body, "away", "ill", 1), 409, "Idempotency-Key: one"); !strings.Contains(text, "was used for another request, "+made.ID) {
		t.Error(text)
	}
	if text := ask(t, "name=bo", "POST", "/delegations", strings.Replace(body, `"bo"`, `"olga"`, 1), 201); !strings.Contains(text, `"from":"bo"`) {
		t.Error(text) // handed on
	}
	deploy(202)
	if all := read[List[access.Handed]](t, ask(t, "name=bo", "GET", "/delegations?limit=1", "", 200)); len(all.Items) != 1 || all.Next == "" {
		t.Errorf("the first page is %+v", all)
	}
	ask(t, "name=bo", "POST", "/delegations/"+made.ID+"/revoke", "", 403)
	ask(t, "name=ana", "POST", "/delegations/handed-none/revoke", "", 404)
	for range 2 {
		if x := read[access.Handed](t, ask(t, "name=ana", "POST", "/delegations/"+made.ID+"/revoke", "", 200)); x.Ended.IsZero() || x.Holds {
			t.Errorf("it still holds: %+v", x)
		}
	}
	deploy(403)
	if all := read[List[access.Handed]](t, ask(t, "name=ana", "GET", "/delegations?past=true", "", 200)); len(all.Items) != 2 {
		t.Errorf("there ever were %+v", all)
	}
}

// TestLedgerOfTheAPI: with what the API answers, anybody can prove that an entry is
// in the ledger, and that nothing before it was changed.
func TestLedgerOfTheAPI(t *testing.T) {
	s, ask := managed(t).talker(t)
	if text := ask(t, "name=bo", "GET", "/ledger/head", "", 404); !strings.Contains(text, "the ledger has no signed head yet") {
		t.Error(text)
	}
	signer, err := tree.OpenSigner(s.stateFolder())
	if err != nil {
		t.Fatal(err)
	}
	seal := func() tree.Head {
		t.Helper()
		if _, err := (tree.Sequencer{Keeper: s.store, Signer: signer}).All(context.Background()); err != nil {
			t.Fatal(err)
		}
		at := read[LedgerHead](t, ask(t, "name=bo", "GET", "/ledger/head", "", 200))
		if at.Key != signer.Public {
			t.Errorf("the key is %q, not %q", at.Key, signer.Public)
		}
		head, err := tree.OpenHead(at.Note, signer.Public)
		if err != nil || head.Size != at.Size {
			t.Fatalf("%+v: %v", at, err)
		}
		return head
	}
	ask(t, "name=ana", "POST", "/tokens", `{"name": "one", "scopes": ["read"]}`, 201)
	before := seal()
	for _, name := range []string{"two", "three"} {
		ask(t, "name=ana", "POST", "/tokens", `{"name": "`+name+`", "scopes": ["read"]}`, 201)
	}
	after := seal()
	c := read[ConsistencyProof](t, ask(t, "name=bo", "GET", "/ledger/consistency?from=1", "", 200))
	if err := c.Proof.Check(before, after); err != nil {
		t.Error(err)
	}
	chain := ledger.Subject{App: access.ChainApp, Environment: access.ChainEnvironment}
	entries, err := s.host.State().Ledger().Entries(t.Context(), chain, 0)
	if err != nil || len(entries) != 3 {
		t.Fatalf("%d entries: %v", len(entries), err)
	}
	for _, e := range entries {
		p := read[InclusionProof](t, ask(t, "name=bo", "GET", "/ledger/inclusion?app=@server&environment=@access&number="+number(e.Number), "", 200))
		if err := p.Proof.Check(e, after); err != nil {
			t.Error(err)
		}
		e.Hash = slipway.DigestOf([]byte("other"))
		if p.Proof.Check(e, after) == nil {
			t.Error("the proof holds for another entry")
		}
	}
	ask(t, "name=bo", "GET", "/ledger/inclusion?app=@server&environment=@access&number=4", "", 404)
	ask(t, "name=bo", "GET", "/ledger/inclusion?app=none&environment=prod&number=1", "", 404)
	ask(t, "name=bo", "GET", "/ledger/consistency?from=4", "", 404)
}

// TestRefusalsOfTheAPI: owners of the platform see who was not let through.
func TestRefusalsOfTheAPI(t *testing.T) {
	_, ask := managed(t).talker(t)
	ask(t, "name=bo", "GET", "/refusals", "", 403)
	all := read[List[access.Refusal]](t, ask(t, "name=olga", "GET", "/refusals", "", 200)).Items
	if len(all) != 1 || all[0].Who != "bo" || all[0].Do != access.Admin || all[0].Why != "only owners of the platform may" {
		t.Errorf("refusals: %+v", all)
	}
}
