package pipeline

import (
	"context"
	"encoding/json"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/repository"
)

// A PublishedHead is a signed head of a server's ledger, in the repository of an
// environment: it shows a ledger that went back.
type PublishedHead struct {
	ID   string    `json:"id"`   // of the server
	Head string    `json:"head"` // as it was signed
	Time time.Time `json:"time"`
}

// PublishedHead reads the head that the server made known in an environment's
// repository; empty: none.
func (f *Flow) PublishedHead(ctx context.Context, env string) (PublishedHead, error) {
	h, _, _, err := f.publishedHead(ctx, env)
	return h, err
}

func (f *Flow) publishedHead(ctx context.Context, env string) (h PublishedHead, r repository.Repository, version string, err error) {
	e, err := f.Project.Environment(env)
	if err != nil {
		return h, nil, "", err
	}
	if r, err = f.repository(ctx, e); err != nil {
		return h, r, "", err
	}
	data, version, err := r.Read(ctx, ledger.HeadObject)
	if err != nil && slipway.KindOf(err) == slipway.NotFound {
		return h, r, "", nil
	}
	if err == nil {
		err = json.Unmarshal(data, &h)
	}
	if err != nil {
		return h, r, version, slipway.Errorf(slipway.Conflict, "%s of the repository %s cannot be read: %w", ledger.HeadObject, r.URL(), err).
			WithFix("find out who can write there, and remove it")
	}
	return h, r, version, nil
}

// PublishHead makes a head known in an environment's repository. The caller has seen
// that it goes on from what is there, if that is of the same server.
func (f *Flow) PublishHead(ctx context.Context, env string, h PublishedHead) error {
	_, r, version, err := f.publishedHead(ctx, env)
	if err != nil {
		return err
	}
	data, err := json.Marshal(h)
	if err != nil {
		return err
	}
	_, err = r.Swap(ctx, ledger.HeadObject, version, data)
	return err
}
