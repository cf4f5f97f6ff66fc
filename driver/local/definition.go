package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

const definitionFile = "definition.json"

// keyLen is how many hexadecimal digits name a folder by its contents.
const keyLen = 20

// A definition is what is deployed: a folder with the target and its files.
type definition struct {
	folder  string         // absolute; empty: no job is there
	target  slipway.Target // as the files are now, so digests differ where a file was edited
	damaged string         // why definition.json cannot be read; empty: it can
	edited  []string       // the fields of files that are not as deployed
}

func (d definition) present() bool { return d.folder != "" }

// fingerprint names what is there; empty for nothing.
func (d definition) fingerprint() string {
	switch {
	case !d.present():
		return ""
	case d.damaged != "":
		return "damaged-" + slipway.DigestOf([]byte(d.damaged)).Hex()[:keyLen]
	}
	return driver.Fingerprint(d.target)
}

// tampered reports whether the files are not those that were deployed.
func (d definition) tampered() bool {
	return d.present() && !strings.HasPrefix(filepath.Base(d.folder), d.fingerprint())
}

// readCurrent reads what the job has now.
func readCurrent(job string) (definition, error) {
	name, err := os.Readlink(filepath.Join(job, "current"))
	if errors.Is(err, fs.ErrNotExist) {
		return definition{}, nil
	}
	if err != nil {
		return definition{}, err
	}
	return readDefinition(filepath.Join(job, name))
}

// readDefinition reads the target in folder and what its files are by now.
func readDefinition(folder string) (definition, error) {
	def := definition{folder: folder}
	data, err := os.ReadFile(filepath.Join(folder, definitionFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return def, err
	}
	if def.damaged = damage(data, &def.target); def.damaged != "" {
		return definition{folder: folder, damaged: def.damaged}, nil
	}
	for i, a := range def.target.Artifacts {
		if !copied(a) {
			continue
		}
		got, err := digestOfFile(filepath.Join(folder, a.Name))
		if err != nil {
			return def, err
		}
		if got != a.Digest {
			def.target.Artifacts[i].Digest = got
			def.edited = append(def.edited, driver.FileField(a))
		}
	}
	return def, nil
}

// damage decodes a definition, or says why it cannot be.
func damage(data []byte, t *slipway.Target) string {
	if len(data) == 0 {
		return "it is empty or not there"
	}
	if err := json.Unmarshal(data, t); err != nil {
		return err.Error()
	}
	return ""
}

// digestOfFile returns the digest of a file's bytes; empty if it is not there.
func digestOfFile(name string) (slipway.Digest, error) {
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return slipway.DigestOf(data), err
}

// copied reports whether a run needs the artifact.
func copied(a slipway.Artifact) bool {
	return driver.FileField(a) != ""
}

// writeDefinition makes a folder with the target and its artifacts and returns
// its name, relative to the job's folder. A whole and untouched one is reused.
func writeDefinition(ctx context.Context, job string, t slipway.Target, blobs driver.Blobs, now time.Time) (string, error) {
	base := filepath.Join(job, "definitions")
	if err := makeFolder(base); err != nil {
		return "", err
	}
	name, reuse, err := chooseFolder(base, driver.Fingerprint(t))
	if err != nil || reuse {
		return filepath.Join("definitions", name), err
	}
	tmp, err := construct(base, now)
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp) // renamed away when all went well
	if err := fillDefinition(ctx, tmp, t, blobs); err != nil {
		return "", err
	}
	if err := os.Rename(tmp, filepath.Join(base, name)); err != nil {
		return "", err
	}
	return filepath.Join("definitions", name), syncFolder(base)
}

// chooseFolder finds the folder for a fingerprint: the first one that is not
// there yet, or that is there and untouched.
func chooseFolder(base, fp string) (name string, reuse bool, err error) {
	name = fp
	for n := 2; exists(filepath.Join(base, name)); n++ {
		def, err := readDefinition(filepath.Join(base, name))
		if err != nil {
			return "", false, err
		}
		if def.fingerprint() == fp {
			return name, true, nil
		}
		name = fmt.Sprintf("%s-%d", fp, n)
	}
	return name, false, nil
}

func fillDefinition(ctx context.Context, dir string, t slipway.Target, blobs driver.Blobs) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	for _, a := range t.Artifacts {
		if !copied(a) {
			continue
		}
		if err := fetch(ctx, filepath.Join(dir, a.Name), a, blobs); err != nil {
			return err
		}
	}
	return writeJSON(filepath.Join(dir, definitionFile), t)
}

// fetch copies an artifact out of its repository and holds it to its digest.
func fetch(ctx context.Context, to string, a slipway.Artifact, blobs driver.Blobs) error {
	r, err := blobs.Open(ctx, a.Key)
	if err != nil {
		return fmt.Errorf("fetch %s: %w", a.Name, err)
	}
	data, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		return fmt.Errorf("fetch %s: %w", a.Name, err)
	}
	if got := slipway.DigestOf(data); got != a.Digest {
		return slipway.Errorf(slipway.Conflict, "%s in the artifact repository is not what was released: its digest is %s, not %s",
			blobs.URL(a.Key), got.Short(), a.Digest.Short())
	}
	return writeFile(to, data)
}

// switchTo makes definition, a name relative to the job's folder, the job.
func switchTo(job, definition string) error {
	tmp := filepath.Join(job, ".new-current")
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Symlink(definition, tmp); err != nil {
		return err
	}
	if err := os.Rename(tmp, filepath.Join(job, "current")); err != nil {
		return err
	}
	return syncFolder(job)
}

// job types the target. What cannot be read is an error with the way out.
func (d definition) job() (job, error) {
	if d.damaged != "" {
		return job{}, slipway.Errorf(slipway.Conflict, "%s cannot be read: %s", filepath.Join(d.folder, definitionFile), d.damaged).
			WithFix("somebody changed it; deploy the app again to put it back")
	}
	return parseJob(d.target)
}
