package sandbox

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/slipway-cd/slipway"
)

// Caches are what package managers fetched, kept from one build to the next:
//
//	<key>/files/  what they wrote
//	<key>/state   how much that is and when it was used last, as JSON
//	gone-*        a cache that is being removed
//	slipway-step-* a reader's copy
//
// A cache is shared by those that open it under the same key. Who may not write
// gets a copy of its own, so that nothing comes from a stranger's build into
// another. Killed processes leave nothing that is not removed or good.
type Caches struct {
	dir   string
	limit int64
	now   func() time.Time
}

// NewCaches keeps caches in a folder, of so many bytes at most: those that were not
// used for the longest time make room.
func NewCaches(dir string, limit int64, now func() time.Time) *Caches {
	return &Caches{dir: dir, limit: limit, now: now}
}

// A Cache is open for one build. nil is none. Close it.
type Cache struct {
	all   *Caches
	key   string   // the folder of the cache; empty: a copy
	files string   // what the step sees
	used  *os.File // the lock on the cache, shared by those who use it
	copy  *folder  // the copy; nil: the cache itself
}

// The names in the folder of a cache.
const (
	cacheFiles = "files"
	cacheState = "state"
	gonePrefix = "gone-"
)

// cacheUse is what is known about a cache.
type cacheUse struct {
	Size int64     `json:"size"`
	Used time.Time `json:"used"`
}

// Open opens the cache of a key, such as an app's name. Without write it is a copy,
// which is gone when it is closed: for commits of strangers, and for every commit
// that nobody has looked at yet.
func (c *Caches) Open(key string, write bool) (*Cache, error) {
	dir := filepath.Join(c.dir, slipway.DigestOf([]byte(key)).Short()+"-"+plainName(key))
	used, err := use(dir)
	if err != nil {
		return nil, fmt.Errorf("open the cache of %s: %w", key, err)
	}
	open := &Cache{all: c, key: dir, files: filepath.Join(dir, cacheFiles), used: used}
	if write {
		return open, nil
	}
	defer used.Close() // with it, the lock
	copied, err := newFolder(c.dir)
	if err != nil {
		return nil, fmt.Errorf("copy the cache of %s: %w", key, err)
	}
	if err := copyTree(open.files, filepath.Join(copied.path, cacheFiles)); err != nil {
		copied.remove()
		return nil, fmt.Errorf("copy the cache of %s: %w", key, err)
	}
	return &Cache{all: c, files: filepath.Join(copied.path, cacheFiles), copy: copied}, nil
}

// use takes the shared lock of a cache, making the cache if need be.
func use(dir string) (*os.File, error) {
	var err error
	for range 1000 {
		var used *os.File
		if err = os.MkdirAll(filepath.Join(dir, cacheFiles), 0o755); err == nil {
			used, err = lock(dir, syscall.LOCK_SH)
		}
		if errors.Is(err, fs.ErrNotExist) {
			continue // it was removed to make room
		}
		if err != nil {
			return nil, err
		}
		mine, err := used.Stat()
		now, nowErr := os.Stat(dir)
		if err == nil && nowErr == nil && os.SameFile(mine, now) {
			return used, nil
		}
		_ = used.Close() // as above, before the lock was held
	}
	return nil, err
}

// copyTree copies a folder. Others may be writing to it: what is gone when its turn
// comes is left out.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err == nil {
			var rel string
			if rel, err = filepath.Rel(from, name); err == nil {
				err = copyEntry(name, filepath.Join(to, rel), d)
			}
		}
		if errors.Is(err, fs.ErrNotExist) && name != from {
			return nil
		}
		return err
	})
}

func copyEntry(from, to string, d fs.DirEntry) error {
	switch {
	case d.IsDir():
		return os.MkdirAll(to, 0o755)
	case d.Type()&fs.ModeSymlink != 0:
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	case !d.Type().IsRegular():
		return nil // such as a socket
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close() // read only
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, info.Mode().Perm()|0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in) // a file system that can shares the blocks
	return errors.Join(err, out.Close())
}

// plainName is a key as part of a file's name, for people.
func plainName(key string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, strings.ToLower(key[:min(len(key), 40)]))
}

// Mount lets a step use the cache: pip, uv, npm, yarn, Go, and whoever keeps to
// XDG_CACHE_HOME. What the step says itself holds.
func (c *Cache) Mount(s Step) Step {
	if c == nil {
		return s
	}
	in := func(name string) string { return filepath.Join(c.files, name) }
	env := []string{
		"XDG_CACHE_HOME=" + c.files, "PIP_CACHE_DIR=" + in("pip"), "UV_CACHE_DIR=" + in("uv"), "npm_config_cache=" + in("npm"),
		"YARN_CACHE_FOLDER=" + in("yarn"), "GOMODCACHE=" + in("go-mod"), "GOCACHE=" + in("go-build"),
	}
	s.Env = append(env, s.Env...)
	s.Writable = append(slices.Clone(s.Writable), c.files)
	return s
}

// Close gives the cache back, and makes room where there is too much.
func (c *Cache) Close() error {
	if c == nil {
		return nil
	}
	if c.copy != nil {
		c.copy.remove()
		return nil
	}
	err := writeState(c.all.dir, c.key, cacheUse{Size: sizeOf(c.files), Used: c.all.now()})
	if err := errors.Join(err, c.used.Close()); err != nil {
		return fmt.Errorf("close the cache: %w", err)
	}
	return c.all.makeRoom()
}

// writeState replaces the state in one move. What a killed process leaves of it in
// the folder of all caches goes with the copies that are left there.
func writeState(all, dir string, u cacheUse) error {
	data, err := json.Marshal(u)
	if err != nil {
		return err
	}
	work, err := newFolder(all)
	if err != nil {
		return err
	}
	defer work.remove()
	whole := filepath.Join(work.path, cacheState)
	if err := os.WriteFile(whole, data, 0o600); err != nil {
		return err
	}
	return os.Rename(whole, filepath.Join(dir, cacheState))
}

// sizeOf sums up what lies in a folder, as far as it can be seen.
func sizeOf(dir string) int64 {
	var sum int64
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error { // what vanishes meanwhile counts for nothing
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				sum += info.Size()
			}
		}
		return nil
	})
	return sum
}

// makeRoom removes the caches that were not used for the longest time, and are not
// in use, until the others are within the limit. It also removes what killed
// processes left.
func (c *Caches) makeRoom() error {
	held, err := lock(c.dir, syscall.LOCK_EX)
	if err != nil {
		return fmt.Errorf("make room in the caches: %w", err)
	}
	defer held.Close() // with it, the lock
	sweep(c.dir)
	list, sum, err := c.list()
	if err != nil {
		return fmt.Errorf("make room in the caches: %w", err)
	}
	for _, one := range list {
		if sum <= c.limit {
			break
		}
		if c.drop(one.dir) {
			sum -= one.Size
		}
	}
	return nil
}

type listedCache struct {
	cacheUse
	dir string
}

// list returns the caches, the one that was not used for the longest time first.
func (c *Caches) list() ([]listedCache, int64, error) {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return nil, 0, err
	}
	var list []listedCache
	var sum int64
	for _, e := range entries {
		dir := filepath.Join(c.dir, e.Name())
		if strings.HasPrefix(e.Name(), gonePrefix) {
			(&folder{path: dir}).remove()
			continue
		}
		if strings.HasPrefix(e.Name(), folderPrefix) || !e.IsDir() {
			continue
		}
		one := listedCache{dir: dir}
		data, err := os.ReadFile(filepath.Join(dir, cacheState))
		if err != nil || json.Unmarshal(data, &one.cacheUse) != nil {
			one.Size = sizeOf(dir) // whoever filled it was killed
		}
		list = append(list, one)
		sum += one.Size
	}
	slices.SortFunc(list, func(a, b listedCache) int { return cmp.Or(a.Used.Compare(b.Used), cmp.Compare(a.dir, b.dir)) })
	return list, sum, nil
}

// drop removes a cache unless somebody uses it.
func (c *Caches) drop(dir string) bool {
	held, err := lock(dir, syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		return false
	}
	gone := &folder{path: filepath.Join(c.dir, gonePrefix+filepath.Base(dir)), lock: held}
	if err := os.Rename(dir, gone.path); err != nil {
		_ = held.Close() // nothing was done
		return false
	}
	gone.remove()
	return true
}
