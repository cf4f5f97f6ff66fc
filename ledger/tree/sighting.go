package tree

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/slipway-cd/slipway"
)

// A Sighting is a signed head, and when it was seen. Servers keep the newest one outside
// of the database, so that a ledger that went back is found: one that was restored to an
// earlier moment, or of which entries were taken away.
type Sighting struct {
	Head string    `json:"head"` // as it was signed; empty: none was seen
	Time time.Time `json:"time"`
}

// SeenFile is where a server keeps the newest head that it saw. It is not backed up with
// the ledger, which is to be held against it.
const SeenFile = "ledger.seen"

// ReadSighting reads what was seen last from a folder; empty if nothing was.
func ReadSighting(dir string) (Sighting, error) {
	var s Sighting
	file := filepath.Join(dir, SeenFile)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		return s, slipway.Errorf(slipway.Unavailable, "%s cannot be read: %w", file, err).
			WithFix("hold the ledger against a head that was kept elsewhere, with slipway ledger verify --head, and remove that file")
	}
	return s, nil
}

// Keep writes what was seen to a folder, wholly or not at all.
func (s Sighting) Keep(dir string) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	file := filepath.Join(dir, SeenFile)
	f, err := os.OpenFile(file+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}
