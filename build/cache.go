package build

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/slipway-cd/slipway"
)

// A cache holds finished builds under the digest of everything that went into
// them:
//
//	<key, 64 hex>/entry        the digest of the rest of it, and the record as JSON
//	<key, 64 hex>/files/<name> the bytes
//	lock                       held while an entry or a workspace is put in place
//	tmp-*                      an entry that is being written
//
// An entry is complete as soon as it has its name, and never changes.
type cache struct {
	dir string
	now func() time.Time // nil: nobody wants to know when an entry is used
}

// A record is what an entry says about its files.
type record struct {
	Files      map[string]slipway.Digest `json:"files"`     // by name
	Artifacts  []slipway.Artifact        `json:"artifacts"` // their keys come with the commit
	Settings   []Setting                 `json:"settings,omitempty"`
	Parameters []Parameter               `json:"parameters,omitempty"`
	Tests      string                    `json:"tests,omitempty"` // a file
	Warnings   []string                  `json:"warnings,omitempty"`
}

var errCorrupt = errors.New("the entry is not as it was written")

func (c cache) path(key string) string         { return filepath.Join(c.dir, key) }
func (c cache) file(key, name string) string   { return filepath.Join(c.dir, key, "files", name) }
func (c cache) lock() (lock, error)            { return lockFile(filepath.Join(c.dir, "lock")) }
func (c cache) workspace() (*workspace, error) { return newWorkspace(c.dir, "tmp-") }

// get reads an entry and proves that each of its bytes is as it was written.
// Without one the error is an fs.ErrNotExist.
func (c cache) get(key string) (record, error) {
	data, err := os.ReadFile(filepath.Join(c.path(key), "entry"))
	if err != nil {
		return record{}, err
	}
	digest, text, _ := bytes.Cut(data, []byte("\n"))
	if slipway.Digest(digest) != slipway.DigestOf(text) {
		return record{}, errCorrupt
	}
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		return record{}, errors.Join(errCorrupt, err)
	}
	if c.now != nil {
		_ = os.Chtimes(filepath.Join(c.path(key), "entry"), c.now(), c.now()) // a cache that is only read is good too
	}
	for name, digest := range r.Files {
		data, err := os.ReadFile(c.file(key, name))
		if err != nil || slipway.DigestOf(data) != digest {
			return record{}, errCorrupt
		}
	}
	return r, nil
}

// put writes an entry and gives it its name when the disk has all of it. Where
// another builder was faster its entry stands, so the answer is what get finds.
func (c cache) put(key string, r record, files map[string][]byte) (record, error) {
	r.Files = map[string]slipway.Digest{}
	for name, data := range files {
		r.Files[name] = slipway.DigestOf(data)
	}
	tmp, err := c.stage(r, files)
	if err != nil {
		return record{}, err
	}
	defer tmp.close()
	held, err := c.lock()
	if err != nil {
		return record{}, err
	}
	defer held.release()
	if there, err := c.get(key); err == nil {
		return there, nil
	}
	if err := c.discard(key); err != nil {
		return record{}, err
	}
	if err := os.Rename(filepath.Join(tmp.dir, "entry"), c.path(key)); err != nil {
		return record{}, err
	}
	return r, syncDir(c.dir)
}

// stage writes an entry under a name that nobody reads.
func (c cache) stage(r record, files map[string][]byte) (*workspace, error) {
	held, err := c.lock()
	if err != nil {
		return nil, err
	}
	tmp, err := c.workspace()
	held.release()
	if err != nil {
		return nil, err
	}
	if err := writeEntry(filepath.Join(tmp.dir, "entry"), r, files); err != nil {
		tmp.close()
		return nil, err
	}
	return tmp, nil
}

func writeEntry(dir string, r record, files map[string][]byte) error {
	if err := os.MkdirAll(filepath.Join(dir, "files"), 0o755); err != nil {
		return err
	}
	for name, data := range files {
		if err := writeFile(filepath.Join(dir, "files", name), data); err != nil {
			return err
		}
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	entry := fmt.Appendf(nil, "%s\n%s", slipway.DigestOf(text), text)
	if err := writeFile(filepath.Join(dir, "entry"), entry); err != nil {
		return err
	}
	return errors.Join(syncDir(filepath.Join(dir, "files")), syncDir(dir))
}

// discard takes a corrupt entry away, in one move.
func (c cache) discard(key string) error {
	if _, err := os.Lstat(c.path(key)); err != nil {
		return nil // there is none
	}
	away, err := c.workspace()
	if err != nil {
		return err
	}
	defer away.close()
	return os.Rename(c.path(key), filepath.Join(away.dir, "entry"))
}
