package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/tree"
)

// A Manager is a doorkeeper with whom people manage who may do what. It says no by
// itself to those who may not.
type Manager interface {
	CreateToken(ctx context.Context, who access.Identity, t access.Token) (access.Token, string, error)
	Tokens(ctx context.Context, who access.Identity) ([]access.Token, error)
	RevokeToken(ctx context.Context, who access.Identity, id string) error
	Delegate(ctx context.Context, who access.Identity, d access.Delegation) (access.Delegation, error)
	Delegations(ctx context.Context, past bool) ([]access.Handed, error)
	Undelegate(ctx context.Context, who access.Identity, id string) error
}

// A TokenRequest asks for a token.
type TokenRequest struct {
	Name    string    `json:"name" minLength:"1" maxLength:"100" pattern:"^[^\\x00-\\x1f]+$" doc:"What it is called. Asked for twice it is made once: a token of that name is a conflict."`
	Owner   string    `json:"owner,omitempty" maxLength:"63" doc:"The person for whom it stands. Default: who asks."`
	Scopes  []string  `json:"scopes" minItems:"1" maxItems:"100" nullable:"false" doc:"What it is good for: ACTION, ACTION:APP, ACTION@ENVIRONMENT or ACTION:APP@ENVIRONMENT; all for everything that its owner may."`
	Expires time.Time `json:"expires,omitzero" doc:"Its end. Default: in 30 days, or earlier where the platform says so."`
}

// A NewToken is a token with its text, which is shown once.
type NewToken struct {
	access.Token
	Secret string `json:"token" doc:"The token itself. It is kept nowhere."`
}

// A DelegationRequest hands something over.
type DelegationRequest struct {
	From   string    `json:"from,omitempty" maxLength:"63" doc:"The person or team whose right it is. Default: who asks."`
	To     string    `json:"to" maxLength:"63" doc:"The person or team who gets it."`
	Scopes []string  `json:"scopes" minItems:"1" maxItems:"100" nullable:"false" doc:"What is handed over: ACTION, ACTION:APP, ACTION@ENVIRONMENT or ACTION:APP@ENVIRONMENT; all for everything."`
	Until  time.Time `json:"until" doc:"Its end."`
	Why    string    `json:"why" minLength:"1" maxLength:"1000" doc:"The reason, for those who read it later."`
}

func (s *Server) accessRoutes(api huma.API) {
	if m, ok := s.door.(Manager); ok {
		s.tokenRoutes(api, m)
		s.delegationRoutes(api, m)
	}
	type refusals struct {
		Limit int `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"The most items."`
	}
	handle(api, route{"list-refusals", http.MethodGet, "/refusals", "List who was not let through, the newest first", "access", 200}, func(ctx context.Context, in *refusals) (*Body[List[access.Refusal]], error) {
		if err := s.door.May(ctx, caller(ctx), access.Admin, access.Object{}); err != nil {
			return nil, err
		}
		all, err := s.store.Refusals(ctx, in.Limit)
		return &Body[List[access.Refusal]]{Body: List[access.Refusal]{Items: orNone(all)}}, err
	})
	s.ledgerRoutes(api)
}

func (s *Server) tokenRoutes(api huma.API, m Manager) {
	type tokens struct {
		Page
		All bool `query:"all" doc:"Also those that have ended."`
	}
	handle(api, route{"list-tokens", http.MethodGet, "/tokens", "List tokens: one's own, and everybody's for owners of the platform", "access", 200}, func(ctx context.Context, in *tokens) (*Body[List[access.Token]], error) {
		all, err := m.Tokens(ctx, caller(ctx))
		if err != nil {
			return nil, err
		}
		if !in.All {
			all = slices.DeleteFunc(all, func(t access.Token) bool { return t.Good(s.Clock()) != nil })
		}
		return &Body[List[access.Token]]{Body: paged(all, in.Page, func(t access.Token) string { return t.ID })}, nil
	})
	type create struct{ Body TokenRequest }
	handle(api, route{"create-token", http.MethodPost, "/tokens", "Make a token, and show it this once", "access", 201}, func(ctx context.Context, in *create) (*Body[NewToken], error) {
		scopes, err := access.ParseScopes(in.Body.Scopes)
		if err != nil {
			return nil, err
		}
		want := access.Token{Name: in.Body.Name, Owner: in.Body.Owner, Scopes: scopes, Expires: in.Body.Expires}
		if want.Owner == "" {
			want.Owner = caller(ctx).Person
		}
		made, secret, err := m.CreateToken(ctx, caller(ctx), want)
		return &Body[NewToken]{Body: NewToken{Token: made, Secret: secret}}, err
	})
	type revoke struct {
		Token string `path:"token" maxLength:"100" doc:"The token's id."`
		Idempotent
	}
	handle(api, route{"revoke-token", http.MethodPost, "/tokens/{token}/revoke", "Revoke a token", "access", 200}, func(ctx context.Context, in *revoke) (*Body[access.Token], error) {
		before, err := m.Tokens(ctx, caller(ctx)) // the token that ends may be the caller's
		if err != nil {
			return nil, err
		}
		if err := m.RevokeToken(ctx, caller(ctx), in.Token); err != nil {
			return nil, err
		}
		at := slices.IndexFunc(before, func(t access.Token) bool { return t.ID == in.Token })
		if at < 0 {
			return nil, slipway.Errorf(slipway.NotFound, "there is no token %s", in.Token)
		}
		t := before[at]
		if t.Ended.IsZero() {
			t.Ended = s.Clock()
		}
		return &Body[access.Token]{Body: t}, nil
	})
}

func (s *Server) delegationRoutes(api huma.API, m Manager) {
	type delegations struct {
		Page
		Past bool `query:"past" doc:"Also those that have ended."`
	}
	handle(api, route{"list-delegations", http.MethodGet, "/delegations", "List what was handed over, and whether it holds", "access", 200}, func(ctx context.Context, in *delegations) (*Body[List[access.Handed]], error) {
		if err := s.door.May(ctx, caller(ctx), access.Read, access.Object{}); err != nil {
			return nil, err
		}
		all, err := m.Delegations(ctx, in.Past)
		return &Body[List[access.Handed]]{Body: paged(all, in.Page, func(h access.Handed) string { return h.ID })}, err
	})
	type delegate struct {
		Idempotent
		Body DelegationRequest
	}
	handle(api, route{"delegate", http.MethodPost, "/delegations", "Hand something over that one may do", "access", 201}, func(ctx context.Context, in *delegate) (*Body[access.Handed], error) {
		made, err := delegated(ctx, m, in.Idempotent, in.Body)
		return &Body[access.Handed]{Body: made}, err
	})
	type revoke struct {
		Delegation string `path:"delegation" maxLength:"100" doc:"Its id."`
		Idempotent
	}
	handle(api, route{"undelegate", http.MethodPost, "/delegations/{delegation}/revoke", "Take back what was handed over", "access", 200}, func(ctx context.Context, in *revoke) (*Body[access.Handed], error) {
		no := m.Undelegate(ctx, caller(ctx), in.Delegation)
		if no != nil && slipway.KindOf(no) != slipway.NotFound {
			return nil, no
		}
		had, ok, err := delegation(ctx, m, in.Delegation)
		if err != nil {
			return nil, err
		}
		if !ok || had.Ended.IsZero() {
			return nil, no
		}
		return &Body[access.Handed]{Body: had}, nil // taken back now or before
	})
}

// delegated hands something over, once for each key of a caller.
func delegated(ctx context.Context, m Manager, key Idempotent, in DelegationRequest) (access.Handed, error) {
	scopes, err := access.ParseScopes(in.Scopes)
	if err != nil {
		return access.Handed{}, err
	}
	want := access.Delegation{From: in.From, To: in.To, Scopes: scopes, Until: in.Until.UTC().Truncate(time.Millisecond), Why: in.Why}
	if want.From == "" {
		want.From = caller(ctx).Person
	}
	if key.Key == "" {
		made, err := m.Delegate(ctx, caller(ctx), want)
		return access.Handed{Delegation: made, Holds: err == nil}, err
	}
	sum := sha256.Sum256([]byte(caller(ctx).String() + "\x00" + key.Key))
	want.ID = "handed-" + hex.EncodeToString(sum[:8])
	had, ok, err := delegation(ctx, m, want.ID)
	if err == nil && !ok {
		made, no := m.Delegate(ctx, caller(ctx), want)
		if no == nil {
			return access.Handed{Delegation: made, Holds: true}, nil
		}
		if had, ok, err = delegation(ctx, m, want.ID); err == nil && !ok { // unless the same request came first
			return access.Handed{}, no
		}
	}
	if err == nil && !(had.From == want.From && had.To == want.To && had.Why == want.Why && had.Until.Equal(want.Until) && slices.Equal(had.Scopes, want.Scopes)) {
		err = slipway.Errorf(slipway.Conflict, "the idempotency key %q was used for another request, %s", key.Key, had.ID).WithFix("use another key for another request")
	}
	return had, err
}

// delegation finds what was handed over under an id, whenever that was.
func delegation(ctx context.Context, m Manager, id string) (access.Handed, bool, error) {
	all, err := m.Delegations(ctx, true)
	for _, h := range all {
		if h.ID == id {
			return h, true, err
		}
	}
	return access.Handed{}, false, err
}

// A LedgerHead is the signed head of the tree over all chains of the ledger.
type LedgerHead struct {
	Size int64  `json:"size" doc:"How many entries are in the tree."`
	Note string `json:"note" doc:"The signed head, a note in the format of golang.org/x/mod/sumdb/note."`
	Key  string `json:"key" doc:"The public key that it is signed with. Have it from elsewhere too."`
}

// An InclusionProof proves that an entry is below a head.
type InclusionProof struct {
	Head  LedgerHead     `json:"head"`
	Proof tree.Inclusion `json:"proof"`
}

// A ConsistencyProof proves that nothing below an earlier head has changed.
type ConsistencyProof struct {
	Head  LedgerHead       `json:"head"`
	Proof tree.Consistency `json:"proof"`
}

func (s *Server) ledgerRoutes(api huma.API) {
	handle(api, route{"get-ledger-head", http.MethodGet, "/ledger/head", "Show the newest signed head of the ledger", "ledger", 200}, func(ctx context.Context, _ *struct{}) (*Body[LedgerHead], error) {
		if err := s.door.May(ctx, caller(ctx), access.Read, access.Object{}); err != nil {
			return nil, err
		}
		head, err := s.store.SignedHead(ctx)
		if err != nil {
			return nil, err
		}
		out, err := s.ledgerHead(ctx, head)
		return &Body[LedgerHead]{Body: out}, err
	})
	type entry struct {
		App         string `query:"app" required:"true" maxLength:"63" pattern:"^[@a-z][a-z0-9-]*$" doc:"The app of the chain; @server for what the server keeps of access."`
		Environment string `query:"environment" required:"true" maxLength:"63" pattern:"^[@a-z][a-z0-9-]*$" doc:"The environment of the chain; @access for what the server keeps of access."`
		Number      int64  `query:"number" required:"true" minimum:"1" doc:"The entry's number in its chain."`
	}
	handle(api, route{"prove-inclusion", http.MethodGet, "/ledger/inclusion", "Prove that an entry is below the newest signed head", "ledger", 200}, func(ctx context.Context, in *entry) (*Body[InclusionProof], error) {
		if err := s.door.May(ctx, caller(ctx), access.Read, access.Object{}); err != nil {
			return nil, err
		}
		proof, head, err := s.store.Inclusion(ctx, ledger.Subject{App: in.App, Environment: in.Environment}, in.Number)
		if err != nil {
			return nil, err
		}
		out, err := s.ledgerHead(ctx, head)
		return &Body[InclusionProof]{Body: InclusionProof{Head: out, Proof: proof}}, err
	})
	type from struct {
		From int64 `query:"from" required:"true" minimum:"1" doc:"The size of the earlier head."`
	}
	handle(api, route{"prove-consistency", http.MethodGet, "/ledger/consistency", "Prove that the newest signed head goes on from an earlier one", "ledger", 200}, func(ctx context.Context, in *from) (*Body[ConsistencyProof], error) {
		if err := s.door.May(ctx, caller(ctx), access.Read, access.Object{}); err != nil {
			return nil, err
		}
		proof, head, err := s.store.Consistency(ctx, in.From)
		if err != nil {
			return nil, err
		}
		out, err := s.ledgerHead(ctx, head)
		return &Body[ConsistencyProof]{Body: ConsistencyProof{Head: out, Proof: proof}}, err
	})
}

// ledgerHead adds to a head the key that it is signed with.
func (s *Server) ledgerHead(ctx context.Context, h tree.SignedHead) (LedgerHead, error) {
	if h.Note == "" {
		return LedgerHead{}, slipway.Errorf(slipway.NotFound, "the ledger has no signed head yet").WithFix("ask again after its first entry; the server signs every few seconds")
	}
	keys, err := s.store.Keys(ctx, s.stateFolder())
	return LedgerHead{Size: h.Size, Note: h.Note, Key: keys.Of(h.Note)}, err
}

// paged is one page of all there are, by their ids.
func paged[T any](all []T, p Page, id func(T) string) List[T] {
	all = slices.DeleteFunc(all, func(x T) bool { return id(x) <= p.After })
	slices.SortFunc(all, func(a, b T) int { return strings.Compare(id(a), id(b)) })
	return listed(orNone(all), p.Limit, id)
}
