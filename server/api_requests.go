package server

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/merge"
	"github.com/slipway-cd/slipway/store"
)

// A Request is a pull request as it was read last, and what came of it.
type Request struct {
	Forge      string       `json:"forge"`
	Repository string       `json:"repository"`
	Number     int          `json:"number"`
	Open       bool         `json:"open"`
	Head       string       `json:"head"`
	Facts      merge.Facts  `json:"facts" doc:"All that the state follows from."`
	State      *merge.State `json:"state,omitempty" doc:"Whether the merge requirements are met, and what they wait for."`
	Shown      bool         `json:"shown" doc:"Whether the forge shows what it should."`
	Looked     time.Time    `json:"looked"`
}

func (s *Server) requestRoutes(api huma.API) {
	type requests struct {
		After      string `query:"after" maxLength:"300" pattern:"^([^/#]+/[^#]+#[0-9]{1,9})?$" doc:"The next of the page before; empty: the first page."`
		Limit      int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"The most items."`
		Forge      string `query:"forge" maxLength:"63" doc:"Only those at this forge."`
		Repository string `query:"repository" maxLength:"200" doc:"Only those of this repository."`
		Number     int    `query:"number" minimum:"0" doc:"Only the one with this number."`
		Open       bool   `query:"open" doc:"Only those that are open."`
	}
	handle(api, route{"list-pull-requests", http.MethodGet, "/pull-requests", "List pull requests, with what their merges wait for", "pull requests", 200}, func(ctx context.Context, in *requests) (*Body[List[Request]], error) {
		if err := s.door.May(ctx, caller(ctx), access.Read, access.Object{}); err != nil {
			return nil, err
		}
		after, err := afterRequest(in.After)
		if err != nil {
			return nil, err
		}
		f := store.RequestFilter{Forge: in.Forge, Repository: in.Repository, Number: in.Number, Open: in.Open}
		rows, err := s.store.PullRequests(ctx, f, after, in.Limit+1)
		if err != nil {
			return nil, err
		}
		all := []Request{}
		for _, r := range rows {
			p := Request{Forge: r.Forge, Repository: r.Repository, Number: r.Number, Open: r.Open, Head: r.Head, Shown: r.Wanted == r.Shown, Looked: r.Looked}
			if err := json.Unmarshal(r.Facts, &p.Facts); err != nil {
				return nil, err
			}
			if len(r.State) > 0 {
				if err := json.Unmarshal(r.State, &p.State); err != nil {
					return nil, err
				}
			}
			all = append(all, p)
		}
		return &Body[List[Request]]{Body: listed(all, in.Limit, nextRequest)}, nil
	})
	type repositories struct {
		After string `query:"after" maxLength:"300" pattern:"^([^/]+/.+)?$" doc:"The next of the page before; empty: the first page."`
		Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"The most items."`
	}
	handle(api, route{"list-repositories", http.MethodGet, "/repositories", "List the repositories that the server looks after", "repositories", 200}, func(ctx context.Context, in *repositories) (*Body[List[store.Repository]], error) {
		if err := s.door.May(ctx, caller(ctx), access.Read, access.Object{}); err != nil {
			return nil, err
		}
		forge, name, _ := strings.Cut(in.After, "/")
		all, err := s.store.RepositoriesPage(ctx, forge, name, in.Limit+1)
		return &Body[List[store.Repository]]{Body: listed(all, in.Limit, func(r store.Repository) string { return at{r.Forge, r.Name}.String() })}, err
	})
}

// nextRequest says behind which pull request a page begins.
func nextRequest(p Request) string {
	return asked{at{p.Forge, p.Repository}, p.Number}.String()
}

func afterRequest(text string) (store.PullRequest, error) {
	if text == "" {
		return store.PullRequest{}, nil
	}
	where, digits, _ := strings.Cut(text, "#")
	forge, repository, _ := strings.Cut(where, "/")
	n, err := strconv.Atoi(digits)
	return store.PullRequest{Forge: forge, Repository: repository, Number: n}, err
}
