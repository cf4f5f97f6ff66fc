package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
	"github.com/slipway-cd/slipway/store"
)

// maxHook is the largest webhook that is read. GitHub's own limit is 25 MB.
const maxHook = 25 << 20

// hook takes a webhook: it is verified, kept, and answered. What it hints at is
// looked at later, and read from the forge.
func (s *Server) hook(w http.ResponseWriter, r *http.Request) {
	s.figures.Deliveries.Add(1)
	name := r.PathValue("forge")
	h, _ := s.forge(name)
	listener, ok := h.Forge.(forge.Listener)
	if !ok {
		http.Error(w, "there is no forge "+name+" that sends webhooks", http.StatusNotFound)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxHook))
	if err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			http.Error(w, "the webhook is too large", http.StatusRequestEntityTooLarge)
			return
		}
		http.Error(w, "the webhook cannot be read", http.StatusBadRequest)
		return
	}
	d, err := listener.Hear(r.Header, body)
	switch {
	case slipway.KindOf(err) == slipway.Denied:
		if n := s.figures.Forged.Add(1); n&(n-1) == 0 { // a flood of them does not fill the log
			s.Log.WarnContext(r.Context(), "a webhook was refused", "forge", name, "from", r.RemoteAddr, "error", err, "refused_so_far", n)
		}
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := s.heard(r.Context(), name, d); err != nil {
		s.Log.ErrorContext(r.Context(), "keep a webhook", "forge", name, "error", err)
		http.Error(w, "the webhook cannot be kept; send it again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// heard keeps a delivery, and has what it hints at looked at. A replay is nothing
// new.
func (s *Server) heard(ctx context.Context, name string, d forge.Delivery) error {
	err := s.store.Change(ctx, func(tx *store.Tx) error {
		fresh, err := tx.Hear(ctx, name, d.ID, d.Event, s.Clock())
		if err != nil || !fresh {
			return err
		}
		for _, h := range d.Hints {
			if err := s.hint(ctx, tx, name, h); err != nil {
				return err
			}
		}
		return nil
	})
	s.news.Ring()
	return err
}

// hint makes the job that looks at what a hint says. Repositories that the server
// does not look after are none of its business.
func (s *Server) hint(ctx context.Context, tx *store.Tx, name string, h forge.Hint) error {
	if h.Repository == "" {
		return s.once(ctx, tx, jobLookForge, name, nil, "webhook")
	}
	r, ok, err := tx.Repository(ctx, name, h.Repository)
	if err != nil || !ok {
		return err
	}
	a := at{name, h.Repository}
	switch {
	case h.Number != 0:
		return s.hintRequest(ctx, tx, a, h.Number)
	case h.Commit != "":
		numbers, err := tx.RequestsAt(ctx, name, h.Repository, h.Commit)
		for _, n := range numbers {
			err = errors.Join(err, s.hintRequest(ctx, tx, a, n))
		}
		return err
	}
	due, err := s.rested(ctx, tx, a.String(), r.Looked, restRefs)
	if err != nil {
		return err
	}
	return s.onceAt(ctx, tx, jobLookRefs, a.String(), forge.Repository{Name: r.Name, DefaultBranch: r.DefaultBranch, URL: r.URL}, "webhook", due)
}

// Webhooks come in bursts about one thing, and each look reads all of it: it is not
// looked at again so soon after it was.
const (
	restRefs    = 250 * time.Millisecond
	restRequest = time.Second
)

// hintRequest has a pull request looked at.
func (s *Server) hintRequest(ctx context.Context, tx *store.Tx, a at, number int) error {
	in := asked{a, number}
	looked, err := tx.LookedAt(ctx, a.Forge, a.Repository, number)
	if err != nil {
		return err
	}
	due, err := s.rested(ctx, tx, in.String(), looked, restRequest)
	if err != nil {
		return err
	}
	return s.onceAt(ctx, tx, jobLookRequest, in.String(), in, "webhook", due)
}

// rested is when a subject may be looked at again that was looked at last at a time,
// or is being looked at.
func (s *Server) rested(ctx context.Context, tx *store.Tx, subject string, looked time.Time, rest time.Duration) (time.Time, error) {
	runs, err := tx.Runs(ctx, subject)
	if runs {
		looked = s.Clock()
	}
	return looked.Add(rest), err
}
