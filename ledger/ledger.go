// Package ledger is the contract with the append-only record of everything that
// happens to an app in an environment. Start at Ledger.
//
// The ledger of one subject is a hash chain: every entry names the hash of the
// one before it, so nothing can be taken out or changed unseen. There are two
// kinds: in a SQL database (package store) and as objects in an artifact
// repository (package ledger/object); ledgertest holds both to the same promise.
// What they share is here: Seal makes an entry, Encode and Decode are its bytes,
// Verify checks a chain.
package ledger

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
)

// A Subject is what one chain is about.
type Subject struct {
	App         string `json:"app"`
	Environment string `json:"environment"`
}

// IsApp reports whether the chain is an app's. Other chains, such as those of quotas
// and of refusals, have an @ in their name, which no app has.
func (s Subject) IsApp() bool { return !strings.Contains(s.App, "@") }

// An Entry is one thing that happened. Its hash is that of its canonical JSON
// with the hash left out.
type Entry struct {
	Subject
	Number int64           `json:"number"` // 1, 2, ... without gaps
	Prev   slipway.Digest  `json:"prev"`   // hash of the entry before; empty for the first
	ID     string          `json:"id"`     // chosen by the writer; appending it again is no second entry
	Kind   string          `json:"kind"`   // such as deployment.started
	Time   time.Time       `json:"time"`   // UTC, to the microsecond, by the writer's clock
	By     string          `json:"by"`
	Body   json.RawMessage `json:"body"` // typed by the kind; canonical JSON
	// Statements are the digests of the signed statements that the entry rests on.
	// They were in the environment's repository before the entry was.
	Statements []slipway.Digest `json:"statements,omitempty"`
	Hash       slipway.Digest   `json:"hash"`
}

// A Draft is an entry to be.
type Draft struct {
	Subject
	After int64 // the number of the last entry the writer has seen; 0: none
	ID    string
	Kind  string
	Time  time.Time
	By    string
	Body  any // marshalled to JSON
	// Statements are digests of signed statements that are in the repository already.
	Statements []slipway.Digest
}

// A Ledger keeps chains. Methods may be called at the same time from any number
// of processes, and for object ledgers machines.
type Ledger interface {
	// Append adds an entry behind the one numbered d.After, durably, and returns
	// it. If the chain has moved on it changes nothing and returns an error of
	// kind Conflict, unless an entry with d.ID is in the chain: then that entry
	// is returned. So a writer whose call acted and failed to answer calls again.
	Append(ctx context.Context, d Draft) (Entry, error)

	// Entries returns the entries of a subject numbered above after, in order,
	// having verified that they form a chain; a broken one is an error of kind
	// Conflict that names the entry. No entries is not an error.
	Entries(ctx context.Context, s Subject, after int64) ([]Entry, error)

	// Subjects returns the subjects that have entries, sorted.
	Subjects(ctx context.Context) ([]Subject, error)
}

// A Recaller is a Ledger that remembers what it has read, because reading is far.
type Recaller interface {
	// Recall returns all entries of a subject as they were last read here, and reads
	// them if they never were. There may be more by now. It is for those who append
	// behind the last of them, which fails if there are.
	Recall(ctx context.Context, s Subject) ([]Entry, error)
}

// A Leaser gives one holder at a time the right to deploy. A lease ends by
// itself when its holder does not renew it, so a crash leaves none behind.
type Leaser interface {
	// Acquire takes the lease on a subject for the time ttl, or, if holder has
	// it already, renews it. If somebody else has it, the error is of kind Busy
	// and says who and until when.
	Acquire(ctx context.Context, s Subject, holder Holder, ttl time.Duration) (Lease, error)

	// Release gives the lease up. Releasing what one no longer holds succeeds.
	Release(ctx context.Context, l Lease) error
}

// A Holder says who holds a lease, in words that help the one who waits.
type Holder struct {
	ID      string `json:"id"`      // whoever has it never works at the same time as another with it
	Who     string `json:"who"`     // a person, as user@host
	Process int    `json:"process"` // process id on its host
	Doing   string `json:"doing"`   // such as: ship v1.2.0
}

// A Lease is the right to deploy, held until a time.
type Lease struct {
	Subject Subject   `json:"subject"`
	Holder  Holder    `json:"holder"`
	Until   time.Time `json:"until"`
	Version string    `json:"-"` // the keeper's own mark
}

// HeadObject is the object in a repository in which a server makes the newest head of its
// ledger known. It is not backed up with the ledger, which is to be held against it.
const HeadObject = "ledger-head.json"
