package store_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/tree"
	"github.com/slipway-cd/slipway/store"
)

// serverFolder is a data folder with a server's database and some files.
func serverFolder(t testing.TB) (string, book) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	for name, text := range map[string]string{
		"logs/1.log": "hello\n", "artifacts/traffic/aa/traffic.py": "print(1)\n", "git/acme/HEAD": "x", "work/1/x": "x", "cache/y": "y", "state/lock": "",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	signer, err := tree.OpenSigner(filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), filepath.Join(dir, "state", "slipway.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return dir, book{s, signer}
}

func backUp(t testing.TB, dir string) ([]byte, store.Contents) {
	t.Helper()
	var b bytes.Buffer
	c, err := store.BackUp(t.Context(), store.Site{Data: dir}, &b, at(), "v1")
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), c
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(dir, file)
			all = append(all, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestBackUpAndRestore(t *testing.T) {
	dir, b := serverFolder(t)
	b.write(t, 5)
	b.all(t)
	b.append(t, "shop")
	_, token := issue(t, b.Store, at())
	if err := b.AddSession(t.Context(), access.Session{Hash: access.HashSecret("cookie"), Person: "ana", Made: at(), Used: at()}); err != nil {
		t.Fatal(err)
	}
	data, c := backUp(t, dir)
	if c.Entries != 12 || c.Chains != 3 || c.Head != b.note(t) || c.Database != "state/slipway.db" || c.Public != b.signer.Public {
		t.Errorf("contents %+v", c)
	}
	to := filepath.Join(t.TempDir(), "new", "data")
	got, err := store.Restore(t.Context(), bytes.NewReader(data), store.Site{Data: to}, c.Head)
	if err != nil {
		t.Fatal(err)
	}
	if got.Entries != 12 || got.Head != c.Head || got.Program != "v1" || !got.Made.Equal(at()) {
		t.Errorf("contents %+v", got)
	}
	want := []string{"artifacts/traffic/aa/traffic.py", "logs/1.log", "state/ledger.key", "state/ledger.pub", "state/slipway.db"}
	if diff := cmp.Diff(want, names(t, to)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if info, err := os.Stat(filepath.Join(to, "state/ledger.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key has the mode %v, %v", info.Mode(), err)
	}
	if rest, err := os.ReadDir(filepath.Dir(to)); err != nil || len(rest) != 1 {
		t.Errorf("left behind: %v, %v", rest, err)
	}
	again := openBook(t, filepath.Join(to, "state"))
	if _, err := again.Token(t.Context(), token); err != nil {
		t.Errorf("a token: %v", err)
	}
	_, err = again.Session(t.Context(), "cookie")
	wantError(t, err, slipway.Denied, "your session has ended", "")
	again.append(t, "shop")
	again.all(t)
	if r := again.verify(t, c.Head); r.Err() != nil || r.Head.Size != 13 {
		t.Errorf("it does not go on: %+v", r)
	}
}

// A server writes, and everything that an entry of the backup names is in it.
func TestBackUpWhileOthersWrite(t *testing.T) {
	dir, b := serverFolder(t)
	stop := make(chan struct{})
	var wg, begun sync.WaitGroup
	begun.Add(2)
	for _, app := range []string{"traffic", "shop"} {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				name := fmt.Sprintf("%s-%d", app, n)
				if err := os.WriteFile(filepath.Join(dir, "artifacts", name), []byte(name), 0o600); err != nil {
					t.Error(err)
				}
				err := b.Change(t.Context(), func(tx *store.Tx) error {
					_, err := tx.AppendLast(t.Context(), ledger.Draft{
						Subject: ledger.Subject{App: app, Environment: "prod"}, ID: name, Kind: "release.created", Time: at(), By: "ana", Body: name,
					})
					return err
				})
				if err != nil {
					t.Error(err)
				}
				if n == 5 {
					begun.Done()
				}
			}
		})
	}
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				b.all(t)
			}
		}
	})
	log, err := os.OpenFile(filepath.Join(dir, "logs/1.log"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if _, err := log.WriteString("a line\n"); err != nil {
					t.Error(err)
				}
			}
		}
	})
	begun.Wait()
	var backups [][]byte
	for range 4 {
		data, _ := backUp(t, dir)
		backups = append(backups, data)
	}
	close(stop)
	wg.Wait()
	for i, data := range backups {
		to := filepath.Join(t.TempDir(), "data")
		if _, err := store.Restore(t.Context(), bytes.NewReader(data), store.Site{Data: to}, ""); err != nil {
			t.Fatalf("backup %d: %v", i, err)
		}
		s := openReadOnly(t, filepath.Join(to, "state", "slipway.db"))
		for _, app := range []string{"traffic", "shop"} {
			entries, err := s.Ledger(at).Entries(t.Context(), ledger.Subject{App: app, Environment: "prod"}, 0)
			if err != nil || len(entries) < 5 {
				t.Fatalf("backup %d: %d entries, %v", i, len(entries), err)
			}
			for _, e := range entries {
				if got := read(t, filepath.Join(to, "artifacts", e.ID)); got != e.ID {
					t.Errorf("backup %d: %s holds %q", i, e.ID, got)
				}
			}
		}
	}
}

// restored tries to restore, and says what the folder then holds.
func restored(t *testing.T, data []byte) (files map[string]string, err error) {
	t.Helper()
	to := filepath.Join(t.TempDir(), "data")
	_, err = store.Restore(t.Context(), bytes.NewReader(data), store.Site{Data: to}, "")
	if err != nil {
		if rest, _ := os.ReadDir(filepath.Dir(to)); len(rest) > 0 {
			t.Errorf("after %v there is %v", err, rest)
		}
		return nil, err
	}
	files = map[string]string{}
	for _, name := range names(t, to) {
		if name != "state/slipway.db" { // opening it writes
			files[name] = read(t, filepath.Join(to, name))
		}
	}
	return files, nil
}

func TestRestoreOfWhatWasCutShort(t *testing.T) {
	dir, b := serverFolder(t)
	b.write(t, 5)
	data, _ := backUp(t, dir)
	for i := range 40 {
		_, err := restored(t, data[:len(data)*i/40])
		if slipway.KindOf(err) != slipway.Invalid || !strings.HasPrefix(err.Error(), "the backup is damaged: ") && !strings.HasPrefix(err.Error(), "that is not a backup: ") {
			t.Errorf("cut at %d/40: %v", i, err)
		}
	}
	_, err := restored(t, data[:len(data)-1])
	wantError(t, err, slipway.Invalid, "the backup is damaged: unexpected EOF", "nothing was restored; use another backup")
}

func TestRestoreOfWhatWasFlipped(t *testing.T) {
	dir, b := serverFolder(t)
	b.write(t, 5)
	data, _ := backUp(t, dir)
	want, err := restored(t, data)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 4))
	for range 60 {
		i := random.IntN(len(data))
		bad := bytes.Clone(data)
		bad[i] ^= 1 << random.IntN(8)
		got, err := restored(t, bad)
		if err == nil && cmp.Diff(want, got) != "" { // a bit of gzip's header that says nothing
			t.Errorf("byte %d of %d was flipped, and nobody saw it", i, len(data))
		}
		if err != nil && slipway.KindOf(err) != slipway.Invalid {
			t.Errorf("byte %d: %v", i, err)
		}
	}
}

// packed makes an archive of any files.
func packed(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, f := range files {
		name, text, _ := strings.Cut(f, "=")
		h := &tar.Header{Name: name, Size: int64(len(text)), Mode: 0o644, Typeflag: tar.TypeReg}
		if name == "link" {
			h = &tar.Header{Name: name, Linkname: text, Typeflag: tar.TypeSymlink}
			text = ""
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRestoreOfWhatIsNoBackup(t *testing.T) {
	const empty = `backup.json={"format":"slipway-backup-1","database":"x","files":[]}`
	for want, data := range map[string][]byte{
		"that is not a backup: EOF":                                                      nil,
		"that is not a backup: gzip: invalid header":                                     []byte("hello, this is no archive"),
		"the backup is damaged: it was cut short":                                        packed(t),
		"the backup is damaged: it was cut short ":                                       packed(t, "a=1"),
		`the backup is damaged: "../a" is not the name of a file`:                        packed(t, "../a=1"),
		`the backup is damaged: "/a" is not the name of a file`:                          packed(t, "/a=1"),
		`the backup is damaged: "a\\b" is not the name of a file`:                        packed(t, `a\b=1`),
		`the backup is damaged: "link" is not the name of a file`:                        packed(t, "link=/etc"),
		"the backup is damaged: a is in it twice":                                        packed(t, "a=1", "a=1"),
		"the backup is damaged: its contents cannot be read: unexpected EOF":             packed(t, "backup.json={"),
		"the backup is damaged: something stands behind its contents":                    packed(t, empty, "a=1"),
		"the backup is damaged: a does not belong to it":                                 packed(t, "a=1", empty),
		"the backup is damaged: a is missing":                                            packed(t, `backup.json={"format":"slipway-backup-1","files":[{"name":"a"}]}`),
		"the backup is damaged: a was changed":                                           packed(t, "a=1", `backup.json={"format":"slipway-backup-1","files":[{"name":"a","size":1}]}`),
		`the backup has the format "slipway-backup-9", which this Slipway does not know`: packed(t, `backup.json={"format":"slipway-backup-9"}`),
	} {
		_, err := restored(t, data)
		wantError(t, err, slipway.Invalid, strings.TrimSpace(want), "")
	}
}

func TestRestoreOverSomething(t *testing.T) {
	dir, b := serverFolder(t)
	b.write(t, 1)
	data, _ := backUp(t, dir)
	_, err := store.Restore(t.Context(), bytes.NewReader(data), store.Site{Data: dir}, "")
	wantError(t, err, slipway.Conflict, "there is something in "+dir+", and nothing was restored", "name a folder that is not there yet")
	empty := t.TempDir()
	if _, err := store.Restore(t.Context(), bytes.NewReader(data), store.Site{Data: empty}, ""); err != nil {
		t.Errorf("into an empty folder: %v", err)
	}
}

func TestRestoreAgainstAnotherHead(t *testing.T) {
	dir, b := serverFolder(t)
	b.write(t, 2)
	b.all(t)
	data, _ := backUp(t, dir)
	b.write(t, 2)
	b.all(t)
	_, err := store.Restore(t.Context(), bytes.NewReader(data), store.Site{Data: filepath.Join(t.TempDir(), "data")}, b.note(t))
	wantError(t, err, slipway.Conflict, "the head of size 8 that was kept outside is of more than the 4 leaves there are: entries were taken away", "")
}

func TestBackUpOfNothing(t *testing.T) {
	dir := t.TempDir()
	_, err := store.BackUp(t.Context(), store.Site{Data: dir}, io.Discard, at(), "v1")
	wantError(t, err, slipway.NotFound, "there is no database in "+dir, "name the server's data folder with --data")
}

func TestBackUpOfABrokenLedger(t *testing.T) {
	dir, b := serverFolder(t)
	b.write(t, 3)
	execute(t, b.Store, "UPDATE ledger SET writer = 'eve' WHERE app = 'shop' AND number = 2")
	_, err := store.BackUp(t.Context(), store.Site{Data: dir}, io.Discard, at(), "v1")
	wantError(t, err, slipway.Conflict, "the ledger was changed behind Slipway's back: entry 2 of shop in prod: it was changed", "")
}

func TestBackUpToAFullDisk(t *testing.T) {
	dir, b := serverFolder(t)
	b.write(t, 1)
	fault := errors.New("the disk is full")
	_, err := store.BackUp(t.Context(), store.Site{Data: dir}, failing{fault}, at(), "v1")
	if !errors.Is(err, fault) {
		t.Errorf("got %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// A state folder of a command is backed up as well.
func TestBackUpOfAStateFolder(t *testing.T) {
	dir := t.TempDir()
	add(t, open(t, filepath.Join(dir, "slipway.db")), 3)
	data, c := backUp(t, dir)
	if c.Database != "slipway.db" || c.Entries != 3 || c.Head != "" {
		t.Errorf("contents %+v", c)
	}
	to := filepath.Join(t.TempDir(), "data")
	if _, err := store.Restore(t.Context(), bytes.NewReader(data), store.Site{Data: to}, ""); err != nil {
		t.Fatal(err)
	}
	if n := count(t, openReadOnly(t, filepath.Join(to, "slipway.db"))); n != 3 {
		t.Errorf("there are %d entries, want 3", n)
	}
}

func FuzzRestore(f *testing.F) {
	f.Add(packed(f, "a=1", `backup.json={"format":"slipway-backup-1","files":[{"name":"a","size":1}]}`))
	f.Add(packed(f, "../a=1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		if _, err := store.Restore(t.Context(), bytes.NewReader(data), store.Site{Data: filepath.Join(dir, "data")}, ""); err == nil {
			t.Error("it was restored")
		}
		if rest, _ := os.ReadDir(dir); len(rest) > 0 {
			t.Errorf("left behind: %v", rest)
		}
	})
}
