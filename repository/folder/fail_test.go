package folder_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/repository/folder"
)

func openPath(dir string) (*folder.Repository, error) { return folder.Open(dir) }

func noContext() context.Context { return context.Background() }

func TestWhatIsNotAFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := folder.Open(file)
	wantError(t, err, slipway.Unavailable, "the artifact repository "+file+" is not a folder", "name a folder as the environment's repository, or move the file away")

	below := open(t, filepath.Join(file, "below"))
	_, err = below.Put(t.Context(), "a", strings.NewReader("x"))
	wantError(t, err, slipway.Unavailable, "the artifact repository "+file+"/below is not a folder", "")
}

func TestAKeyThatIsTheFolderOfAnother(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	for _, key := range []string{"a/b/c", "x"} {
		if _, err := r.Put(t.Context(), key, strings.NewReader("x")); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"a/b", "a", "x/y", "x/y/z"} {
		want := dir + "/" + key + " cannot be an object: a folder has this name, or an object has the name of a folder above it"
		_, err := r.Put(t.Context(), key, strings.NewReader("x"))
		wantError(t, err, slipway.Conflict, want, "choose another name; nothing was changed")
		_, err = r.Swap(t.Context(), key, "", []byte("x"))
		if slipway.KindOf(err) != slipway.Conflict {
			t.Errorf("Swap %s gives %v, want a conflict", key, err)
		}
	}
}

func TestASymbolicLinkThatLeadsOutside(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "app")); err != nil {
		t.Fatal(err)
	}
	r := open(t, dir)
	const fix = "remove that link; everything in "
	_, _, err := r.Read(t.Context(), "app/secret")
	wantError(t, err, slipway.Unavailable, "cannot read "+dir+"/app/secret: a symbolic link on the way leads outside of the repository: openat app/secret: path escapes from parent", fix+dir+" must lie in it")
	_, err = r.Put(t.Context(), "app/x", strings.NewReader("x"))
	wantError(t, err, slipway.Unavailable, "cannot write "+dir+"/app/x: a symbolic link on the way leads outside of the repository: ", fix)
	_, err = r.Swap(t.Context(), "app/x", "", []byte("x"))
	wantError(t, err, slipway.Unavailable, "a symbolic link on the way leads outside of the repository: ", fix)
	for o, err := range r.List(t.Context(), "", "") {
		t.Errorf("List gives %v, %v, want nothing", o, err)
	}
	if got := names(t, outside); len(got) != 1 {
		t.Errorf("outside there is now %q", got)
	}
}

func TestFilesCannotBeWrittenOver(t *testing.T) {
	dir := t.TempDir()
	if _, err := open(t, dir).Put(t.Context(), "a/b", strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm()&0o222 != 0 {
		t.Errorf("the file's mode is %s, want nobody to be able to write", info.Mode())
	}
	if got := names(t, filepath.Join(dir, ".tmp")); len(got) != 0 {
		t.Errorf("temporary files are left: %q", got)
	}
}

func put(t *testing.T, r repository.Repository, key, data string) {
	t.Helper()
	if _, err := r.Put(t.Context(), key, strings.NewReader(data)); err != nil {
		t.Fatal(err)
	}
}

func wantError(t *testing.T, err error, kind slipway.Kind, want, fix string) {
	t.Helper()
	if err == nil || slipway.KindOf(err) != kind || !strings.Contains(err.Error(), want) {
		t.Errorf("got an error of kind %s: %v\nwant kind %s: %s", slipway.KindOf(err), err, kind, want)
	}
	if !strings.Contains(slipway.FixOf(err), fix) {
		t.Errorf("got the fix %q, want %q", slipway.FixOf(err), fix)
	}
}

func BenchmarkPut(b *testing.B) {
	r := open(b, b.TempDir())
	for n := 0; b.Loop(); n++ {
		key := "app/0a1b2c3d/" + strconv.Itoa(n)
		if _, err := r.Put(b.Context(), key, strings.NewReader("a small file")); err != nil {
			b.Fatal(err)
		}
	}
}
