// Package forge is the contract with a forge: where repositories lie, what their
// refs and pull requests are, and where people are told. A webhook is no more
// than a hint; the truth is read. Package forgetest is its conformance kit.
//
// A forge implements Forge, and whichever of Requests, Publisher, Listener and
// Directory it can do.
package forge

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/slipway-cd/slipway"
)

// A Forge holds repositories.
type Forge interface {
	// Repositories lists the repositories that this forge was set up for.
	Repositories(ctx context.Context) ([]Repository, error)
	// Refs reads the branches and tags of a repository. seen is the mark of an
	// earlier answer, or empty; if nothing has changed since, Refs.Unchanged is set
	// and the rest is empty, and the forge counts that against no rate limit where it
	// can.
	Refs(ctx context.Context, repository, seen string) (Refs, error)
	// Remote says how git fetches the repository.
	Remote(ctx context.Context, repository string) (Remote, error)
}

// A Repository is a place of source.
type Repository struct {
	Name          string `json:"name"`           // such as acme/traffic
	DefaultBranch string `json:"default_branch"` // empty: it has none, or cannot be reached now
	URL           string `json:"url"`            // its page, or its address where it has none
	Private       bool   `json:"private"`
}

// Refs are the branches and tags of a repository, by short name, with the commits
// that they stand for.
type Refs struct {
	Mark      string            `json:"mark"` // to hand in as seen
	Unchanged bool              `json:"unchanged,omitempty"`
	Branches  map[string]string `json:"branches,omitempty"`
	Tags      map[string]string `json:"tags,omitempty"` // of an annotated tag, the commit
}

// A Remote is a git address. Header is sent along with each request over HTTP and
// is a secret: it is handed to git by its environment, never in the URL.
type Remote struct {
	URL    string
	Header string // such as "Authorization: Bearer ..."; empty: none
}

// Requests is a forge with pull requests.
type Requests interface {
	// PullRequests lists the open pull requests of a repository, in short. seen is
	// as for Refs.
	PullRequests(ctx context.Context, repository, seen string) (Listing, error)
	// PullRequest reads one, whole.
	PullRequest(ctx context.Context, repository string, number int) (slipway.PullRequest, error)
	// RequestsOf lists the numbers of the pull requests by which a commit came to its
	// branch; some that only have it may be among them. A commit that came by none, or
	// that the forge does not know, has none.
	RequestsOf(ctx context.Context, repository, commit string) ([]int, error)
}

// A Listing is the open pull requests of a repository, in short.
type Listing struct {
	Mark      string    `json:"mark"`
	Unchanged bool      `json:"unchanged,omitempty"`
	Open      []Summary `json:"open,omitempty"`
}

// A Summary is as much of a pull request as tells whether it has to be read again:
// where Stamp is the one that was seen last, it has not.
type Summary struct {
	Number int    `json:"number"`
	Head   string `json:"head"`
	Stamp  string `json:"stamp"` // changes with every change that the forge lets one see in a listing
}

// A Publisher is a forge that shows what Slipway has found. Each call may be made
// again with the same arguments and then changes nothing. Texts that are longer than
// the forge takes are cut, and say so.
type Publisher interface {
	// Self says who we are at the forge: what our statuses have as Status.App, and
	// our comments as Comment.By.
	Self(ctx context.Context) (Self, error)
	// Report shows the statuses at a commit: as check runs where the forge has them
	// and lets us, else as commit statuses.
	Report(ctx context.Context, repository, commit string, statuses []slipway.Status) error
	// Comment makes the one comment that begins with the marker equal to body, or
	// writes it. The marker is an HTML comment.
	Comment(ctx context.Context, repository string, number int, marker, body string) error
	// Label puts a label on a pull request, or takes it off. It is made where the
	// repository does not have it.
	Label(ctx context.Context, repository string, number int, label string, on bool) error
}

// Self is who we are at a forge.
type Self struct {
	App   string // as Status.App
	Login string // as Comment.By
}

// A Listener verifies webhooks.
type Listener interface {
	// Hear verifies a delivery and says what it hints at. A delivery whose signature
	// is wrong is an error of kind Denied; one that means nothing to us has no hints.
	Hear(header http.Header, body []byte) (Delivery, error)
}

// A Delivery is a verified webhook.
type Delivery struct {
	ID    string // the forge's own; a replay has the same
	Event string // as the forge names it
	Hints []Hint
}

// A Hint says where to look. The empty one says: at all there is, since which
// repositories there are, or who is in which team, may have changed.
type Hint struct {
	Repository string
	Number     int    // a pull request; 0: the refs, and the list of pull requests
	Commit     string // statuses at a commit changed: every pull request with that head. With it Number is 0
}

// A Directory knows people.
type Directory interface {
	// Permission says what a login may do with a repository. A login that the forge
	// does not know may do nothing, which is no error.
	Permission(ctx context.Context, repository, login string) (Permission, error)
	// Members lists the logins in a team of the forge, such as acme/data.
	Members(ctx context.Context, team string) ([]string, error)
}

// A Permission is what somebody may do with a repository.
type Permission string

// The permissions, each with those before it.
const (
	None  Permission = "none"
	Read  Permission = "read"
	Write Permission = "write"
	Admin Permission = "admin"
)

// A Budget is what is left of a forge's rate limit.
type Budget struct {
	Limit, Left int
	Reset       int64 // Unix time in seconds at which it is whole again
}

// Budgeted is a forge with a rate limit. It is what the last answer said, and
// costs no request.
type Budgeted interface {
	Budget() (Budget, bool)
}

// A LimitError is the cause of an error of kind Busy: the forge answers nothing
// more of this kind before Until.
type LimitError struct{ Until time.Time }

// Error says until when.
func (e *LimitError) Error() string {
	return "try again after " + e.Until.UTC().Format("2006-01-02 15:04:05 UTC")
}

// LimitedUntil returns the time before which a forge will not answer, if that is
// what the error says.
func LimitedUntil(err error) (time.Time, bool) {
	e, ok := errors.AsType[*LimitError](err)
	if !ok {
		return time.Time{}, false
	}
	return e.Until, true
}
