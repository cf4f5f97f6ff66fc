// Package object keeps ledgers and leases as objects in an artifact repository,
// so that every laptop and every short-lived CI runner that reaches the
// repository sees one history, without a server. Start at New.
//
// Entry 7 of traffic-etl in staging lies at
// traffic-etl/staging/ledger/0000000007.json and is put there once, never
// replaced: of any number of writers one gets the number, the others learn that
// the chain has moved on. The lease lies at traffic-etl/staging/lease.json.
//
// These entries are the ledger. So that a long one is not read one object at a time,
// there are copies of them: blocks of 64, and, in the lease, those behind the last
// block. Copies are only an aid: where one is missing, was not finished, or does not
// fit, entries are read one by one.
package object

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/repository"
)

// A Ledger keeps chains and leases in an artifact repository. It remembers the
// entries it has seen, which never change, and reads only what is new.
type Ledger struct {
	repo repository.Repository
	now  func() time.Time

	mu     sync.Mutex
	chains map[ledger.Subject]*chain
	leases map[ledger.Subject]found
}

var (
	_ ledger.Ledger   = (*Ledger)(nil)
	_ ledger.Recaller = (*Ledger)(nil)
	_ ledger.Leaser   = (*Ledger)(nil)
)

// New returns the ledgers and leases in a repository. The clock only words
// messages and tells a holder how long its lease lasts; see Acquire.
func New(repo repository.Repository, now func() time.Time) *Ledger {
	return &Ledger{repo: repo, now: now, chains: map[ledger.Subject]*chain{}, leases: map[ledger.Subject]found{}}
}

// Append adds an entry behind the one numbered d.After.
func (l *Ledger) Append(ctx context.Context, d ledger.Draft) (ledger.Entry, error) {
	c, err := l.chain(d.Subject)
	if err != nil {
		return ledger.Entry{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	// Where the last entry seen is the one to follow there is nothing to ask:
	// if there are more, the number is taken and Put says so.
	if !c.fresh || c.head().Number != d.After {
		if err := c.refresh(ctx); err != nil {
			return ledger.Entry{}, err
		}
	}
	entry, err := c.append(ctx, d)
	if slipway.KindOf(err) != slipway.Conflict {
		return entry, err
	}
	if err := c.refresh(ctx); err != nil {
		return ledger.Entry{}, err
	}
	return c.append(ctx, d)
}

// Entries returns the entries numbered above after.
func (l *Ledger) Entries(ctx context.Context, s ledger.Subject, after int64) ([]ledger.Entry, error) {
	c, err := l.chain(s)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.refresh(ctx); err != nil {
		return nil, err
	}
	from := min(max(after, 0), int64(len(c.entries)))
	return slices.Clone(c.entries[from:]), nil
}

// Recall returns the entries that were last read.
func (l *Ledger) Recall(ctx context.Context, s ledger.Subject) ([]ledger.Entry, error) {
	c, err := l.chain(s)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.fresh {
		if err := c.refresh(ctx); err != nil {
			return nil, err
		}
	}
	return slices.Clone(c.entries), nil
}

// Subjects returns the subjects that have entries. It looks at every key of the
// repository that is no entry.
func (l *Ledger) Subjects(ctx context.Context) ([]ledger.Subject, error) {
	var subjects []ledger.Subject
	for after, more := "", true; more; {
		more = false
		for o, err := range l.repo.List(ctx, "", after) {
			if err != nil {
				return nil, fmt.Errorf("ledgers in %s: %w", l.repo.URL(), err)
			}
			s, _, ok := parseKey(o.Key)
			if !ok {
				continue
			}
			subjects = append(subjects, s)
			after, more = folderOf(s)+"~", true // behind all entries of s
			break
		}
	}
	slices.SortFunc(subjects, compareSubjects)
	return subjects, nil
}

func compareSubjects(a, b ledger.Subject) int {
	if c := strings.Compare(a.App, b.App); c != 0 {
		return c
	}
	return strings.Compare(a.Environment, b.Environment)
}

// chain returns the chain of a subject as far as it has been seen.
func (l *Ledger) chain(s ledger.Subject) (*chain, error) {
	if err := checkSubject(s); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.chains[s]
	if !ok {
		c = &chain{repo: l.repo, subject: s, numbers: map[string]int64{}, blocks: map[int64]bool{}}
		c.tail = func(ctx context.Context) []ledger.Entry { return l.tailOf(ctx, s) }
		l.chains[s] = c
	}
	return c, nil
}

// checkSubject refuses names that would not be one part of a key each.
func checkSubject(s ledger.Subject) error {
	for _, name := range []string{s.App, s.Environment} {
		if strings.Contains(name, "/") || repository.CheckKey(name) != nil {
			return slipway.Errorf(slipway.Invalid, "%q cannot be the name of an app or environment in a ledger", name).
				WithFix("use letters, digits and ._-, beginning with a letter")
		}
	}
	return nil
}

func folderOf(s ledger.Subject) string { return s.App + "/" + s.Environment + "/ledger/" }

func keyOf(s ledger.Subject, number int64) string {
	return fmt.Sprintf("%s%010d.json", folderOf(s), number)
}

// parseKey is the reverse of keyOf.
func parseKey(key string) (s ledger.Subject, number int64, ok bool) {
	parts := strings.Split(key, "/")
	if len(parts) != 4 {
		return s, 0, false
	}
	digits, _ := strings.CutSuffix(parts[3], ".json")
	number, err := strconv.ParseInt(digits, 10, 64)
	s = ledger.Subject{App: parts[0], Environment: parts[1]}
	return s, number, err == nil && keyOf(s, number) == key
}

// A chain is what has been seen of one subject's entries, from the first on.
type chain struct {
	repo    repository.Repository
	subject ledger.Subject

	mu      sync.Mutex
	fresh   bool // it has been read at least once
	entries []ledger.Entry
	numbers map[string]int64 // by id
	blocks  map[int64]bool   // that are there, by the number of their first entry
	tail    func(context.Context) []ledger.Entry
}

func (c *chain) head() ledger.Entry {
	if len(c.entries) == 0 {
		return ledger.Entry{}
	}
	return c.entries[len(c.entries)-1]
}

// append puts the entry that d stands for behind the head, or finds it in the
// chain.
func (c *chain) append(ctx context.Context, d ledger.Draft) (ledger.Entry, error) {
	if n, ok := c.numbers[d.ID]; ok {
		return c.entries[n-1], nil
	}
	entry, err := ledger.Seal(c.head(), d)
	if err != nil {
		return ledger.Entry{}, err
	}
	data, err := ledger.Encode(entry)
	if err != nil {
		return ledger.Entry{}, err
	}
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		c.copyBlocks(ctx)
	}()
	_, err = c.repo.Put(ctx, keyOf(c.subject, entry.Number), bytes.NewReader(data))
	<-copied
	if err != nil {
		return ledger.Entry{}, fmt.Errorf("append to the ledger of %s: %w", c.subject, err)
	}
	return entry, c.add([]ledger.Entry{entry})
}

// refresh reads the entries behind the head: with copies, and if those do not fit,
// without.
func (c *chain) refresh(ctx context.Context) error {
	var tail []ledger.Entry
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		if !c.fresh {
			tail = c.tail(ctx)
		}
	}()
	there, err := c.list(ctx)
	<-asked
	if err != nil {
		return err
	}
	err = c.read(ctx, there, tail)
	if slipway.KindOf(err) == slipway.Conflict {
		clear(c.blocks)
		err = c.read(ctx, there, nil)
	}
	c.fresh = c.fresh || err == nil
	return err
}

// list finds out how far the chain goes behind the head: the sizes of its entries, by
// number. A list may show an entry and not the one before it, if both come while it
// is made; so it says only how far the chain goes, and every entry up to there is read.
func (c *chain) list(ctx context.Context) (map[int64]int64, error) {
	there := map[int64]int64{}
	for o, err := range c.repo.List(ctx, folderOf(c.subject), keyOf(c.subject, c.head().Number)) {
		if err != nil {
			return nil, fmt.Errorf("read the ledger of %s: %w", c.subject, err)
		}
		if _, n, ok := parseKey(o.Key); ok {
			there[n] = o.Size
		} else if first, ok := parseBlock(c.subject, o.Key); ok {
			c.blocks[first] = true
		}
	}
	return there, nil
}

// read takes in the entries up to the last that is there.
func (c *chain) read(ctx context.Context, there map[int64]int64, tail []ledger.Entry) error {
	last := c.head().Number
	for n := range there {
		last = max(last, n)
	}
	for first := c.head().Number + 1; first <= last; first += batch {
		entries, err := c.fetch(ctx, first, min(last, first+batch-1), there, tail)
		if err != nil {
			return err
		}
		if err := c.add(entries); err != nil {
			return err
		}
	}
	return nil
}

// add continues the chain, if the entries do.
func (c *chain) add(entries []ledger.Entry) error {
	if err := ledger.Verify(c.subject, c.head(), entries); err != nil {
		return err
	}
	for _, e := range entries {
		if n, ok := c.numbers[e.ID]; ok {
			return ledger.Broken(c.subject, e.Number, "its id %s is that of entry %d", e.ID, n)
		}
	}
	for _, e := range entries {
		c.numbers[e.ID] = e.Number
	}
	c.entries = append(c.entries, entries...)
	return nil
}
