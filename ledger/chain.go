package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/slipway-cd/slipway"
)

// String names the subject as people do.
func (s Subject) String() string { return s.App + " in " + s.Environment }

// Seal makes the entry that follows prev from a draft: numbered, linked to prev,
// and hashed. Before the first entry prev is the zero Entry. Where the draft
// expects another entry before it the error is of kind Conflict. Times are cut
// to microseconds, which every database keeps, and the body is made canonical.
func Seal(prev Entry, d Draft) (Entry, error) {
	if d.App == "" || d.Environment == "" || d.ID == "" || d.Kind == "" {
		return Entry{}, slipway.Errorf(slipway.Invalid, "a ledger entry needs an app, an environment, an id and a kind, not %q, %q, %q and %q", d.App, d.Environment, d.ID, d.Kind)
	}
	if d.After != prev.Number {
		return Entry{}, moved(d, prev)
	}
	for _, s := range d.Statements {
		if !s.Valid() {
			return Entry{}, slipway.Errorf(slipway.Invalid, "%q is not the digest of a statement", s)
		}
	}
	body, err := Canonical(d.Body)
	if err != nil {
		return Entry{}, fmt.Errorf("body of %s: %w", d.Kind, err)
	}
	e := Entry{
		Subject: d.Subject, Number: prev.Number + 1, Prev: prev.Hash, ID: d.ID, Kind: d.Kind,
		Time: d.Time.UTC().Truncate(time.Microsecond), By: d.By, Body: body,
		Statements: slices.Clone(d.Statements),
	}
	e.Hash, err = Hash(e)
	return e, err
}

// Hash returns the digest of an entry's canonical JSON without the hash.
func Hash(e Entry) (slipway.Digest, error) {
	data, err := Canonical(struct {
		Entry
		Hash *slipway.Digest `json:"hash,omitempty"` // hides the entry's own
	}{Entry: e})
	if err != nil {
		return "", err
	}
	return slipway.DigestOf(data), nil
}

// Encode returns the bytes in which an entry is kept: its canonical JSON.
func Encode(e Entry) ([]byte, error) { return Canonical(e) }

// Decode reads what Encode wrote. Anything else, such as a field it does not
// know, is an error of kind Invalid. It does not look at the hash; Verify does.
func Decode(data []byte) (Entry, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var e Entry
	if err := d.Decode(&e); err != nil {
		return Entry{}, slipway.Errorf(slipway.Invalid, "not a ledger entry: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Entry{}, slipway.Errorf(slipway.Invalid, "not a ledger entry: something stands behind it")
	}
	again, err := Encode(e)
	if err != nil {
		return Entry{}, err
	}
	if !bytes.Equal(again, data) {
		return Entry{}, slipway.Errorf(slipway.Invalid, "not a ledger entry: its JSON is not canonical")
	}
	return e, nil
}

// Verify says whether entries continue the chain of subject s behind the entry
// after, which is the zero Entry for a chain from its first. A broken chain is an
// error of kind Conflict that names the first entry at fault.
func Verify(s Subject, after Entry, entries []Entry) error {
	ids := make(map[string]bool, len(entries))
	for _, e := range entries {
		hash, err := Hash(e)
		switch {
		case err != nil:
			return Broken(s, after.Number+1, "it cannot be hashed: %v", err)
		case e.Subject != s:
			return Broken(s, after.Number+1, "it is about %s", e.Subject)
		case e.Number != after.Number+1:
			return Broken(s, after.Number+1, "it is missing, and %d stands in its place", e.Number)
		case e.Hash != hash:
			return Broken(s, e.Number, "it was changed: its hash is %s and its bytes have %s", e.Hash, hash)
		case e.Prev != after.Hash:
			return Broken(s, e.Number, "it follows an entry with the hash %s and entry %d has %s", or(e.Prev), after.Number, or(after.Hash))
		case ids[e.ID]:
			return Broken(s, e.Number, "its id %s is there twice", e.ID)
		}
		ids[e.ID] = true
		after = e
	}
	return nil
}

// Broken is the error for a chain that does not hold at an entry.
func Broken(s Subject, number int64, why string, args ...any) error {
	return slipway.Errorf(slipway.Conflict, "the ledger of %s is broken at entry %d: "+why, append([]any{s, number}, args...)...).
		WithFix("somebody changed it behind Slipway's back; bring the entry back from a backup, and find out who could write there")
}

// moved is the error for an entry that cannot be appended, because the chain
// has gone on, or back, from where its writer saw it.
func moved(d Draft, head Entry) error {
	err := slipway.Errorf(slipway.Conflict, "the ledger of %s has moved on to entry %d: %s by %s at %s",
		d.Subject, head.Number, head.Kind, head.By, head.Time.Format(time.RFC3339))
	if head.Number < d.After {
		err = slipway.Errorf(slipway.Conflict, "the ledger of %s ends at entry %d and has no entry %d to follow", d.Subject, head.Number, d.After)
	}
	return err.WithFix("nothing was written; read the ledger again and decide again")
}

func or(d slipway.Digest) slipway.Digest {
	if d == "" {
		return "none"
	}
	return d
}
