package server

import (
	"context"
	"fmt"

	"github.com/slipway-cd/slipway/store"
)

// asked names a pull request.
type asked struct {
	at
	Number int `json:"number"`
}

func (a asked) String() string { return fmt.Sprintf("%s#%d", a.at, a.Number) }

// onceRequest has a pull request looked at, unless that is to be done already.
func (s *Server) onceRequest(ctx context.Context, tx *store.Tx, a at, number int, by string) error {
	in := asked{a, number}
	return s.once(ctx, tx, jobLookRequest, in.String(), in, by)
}
