package repository_test

import (
	"cmp"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/repository"
)

func TestCheckKey(t *testing.T) {
	for _, key := range []string{
		"a", "traffic-etl/0a1b2c3d/traffic_0123.py", "a/b..c", "A+b=c@d/1.0_x", strings.Repeat("a", 255),
	} {
		if err := repository.CheckKey(key); err != nil {
			t.Errorf("%q: %v", key, err)
		}
	}
	tests := []struct{ key, want string }{
		{"", `"" cannot be a key in an artifact repository: it is empty between slashes, at its beginning or at its end`},
		{"/a", `"/a" cannot be a key in an artifact repository: it is empty between slashes, at its beginning or at its end`},
		{"a//b", `"a//b" cannot be a key in an artifact repository: it is empty between slashes, at its beginning or at its end`},
		{"a/", `"a/" cannot be a key in an artifact repository: it is empty between slashes, at its beginning or at its end`},
		{"../a", `"../a" cannot be a key in an artifact repository: ".." begins with a dot`},
		{"a/.", `"a/." cannot be a key in an artifact repository: "." begins with a dot`},
		{".tmp/x", `".tmp/x" cannot be a key in an artifact repository: ".tmp" begins with a dot`},
		{"a b", `"a b" cannot be a key in an artifact repository: it holds ' '`},
		{"a/é", `"a/é" cannot be a key in an artifact repository: it holds 'é'`},
		{`a\b`, `"a\\b" cannot be a key in an artifact repository: it holds '\\'`},
		{strings.Repeat("a", 256), `"` + strings.Repeat("a", 256) + `" cannot be a key in an artifact repository: "` + strings.Repeat("a", 40) + `..." is longer than 255 bytes`},
		{strings.Repeat("a/", 500), `"` + strings.Repeat("a/", 20) + `..." cannot be a key in an artifact repository: it is longer than 800 bytes`},
	}
	for _, tt := range tests {
		err := repository.CheckKey(tt.key)
		if err == nil || err.Error() != tt.want || slipway.KindOf(err) != slipway.Invalid {
			t.Errorf("%q: got %v, want %s", tt.key, err, tt.want)
		}
	}
	const fix = "use letters, digits and ._-+=@, with single slashes between the parts, such as traffic-etl/releases/v1.4.0.json"
	if got := slipway.FixOf(repository.CheckKey("")); got != fix {
		t.Errorf("the fix is %q, want %q", got, fix)
	}
}

func FuzzCheckKey(f *testing.F) {
	for _, key := range []string{"a/b", "../a", "a//b", ".tmp", "é"} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if repository.CheckKey(key) != nil {
			return
		}
		for part := range strings.SplitSeq(key, "/") {
			if part == "" || part[0] == '.' || strings.Trim(part, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+=@") != "" {
				t.Errorf("%q is taken for a key", key)
			}
		}
	})
}

// A fake repository holds one object, and may give back other bytes than it
// was given, or none.
type fake struct {
	repository.Repository
	name        string
	data        string
	openErr     error
	readErr     error
	corruptPuts bool
}

func (f *fake) URL() string { return "fake://" + f.name }

func (f *fake) Open(context.Context, string) (io.ReadCloser, error) {
	if f.openErr != nil {
		return nil, f.openErr
	}
	return io.NopCloser(io.MultiReader(strings.NewReader(f.data), failing{f.readErr})), nil
}

func (f *fake) Put(_ context.Context, key string, data io.ReadSeeker) (repository.Object, error) {
	if _, err := data.Seek(0, io.SeekStart); err != nil {
		return repository.Object{}, err
	}
	all, err := io.ReadAll(data)
	f.data = string(all)
	if f.corruptPuts {
		f.data = "bit rot"
	}
	return repository.Object{Key: key, Size: int64(len(all))}, err
}

// A failing reader ends with its error, or as readers do.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, cmp.Or(f.err, io.EOF) }

func TestCopySaysWhichSideIsToBlame(t *testing.T) {
	gone := slipway.Errorf(slipway.NotFound, "there is no such thing")
	reset := errors.New("connection reset")
	digest := slipway.DigestOf([]byte("bytes"))
	tests := []struct {
		name     string
		from, to fake
		kind     slipway.Kind
		want     string
	}{
		{
			"the source was changed",
			fake{data: "other"},
			fake{},
			slipway.Conflict,
			"the source fake://from/k has other bytes than were released: " + string(slipway.DigestOf([]byte("other"))) + ", not " + string(digest),
		},
		{
			"the target changes them",
			fake{data: "bytes"},
			fake{corruptPuts: true},
			slipway.Conflict,
			"the target fake://to/k has other bytes than were copied: " + string(slipway.DigestOf([]byte("bit rot"))) + ", not " + string(digest),
		},
		{"the source lacks it", fake{openErr: gone}, fake{}, slipway.NotFound, "open fake://from/k: there is no such thing"},
		{"the source breaks off", fake{data: "by", readErr: reset}, fake{}, slipway.Internal, "read fake://from/k: connection reset"},
		{"the target cannot be read back", fake{data: "bytes"}, fake{readErr: reset}, slipway.Internal, "read back: read fake://to/k: connection reset"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.from.name, tt.to.name = "from", "to"
			_, err := repository.Copy(t.Context(), &tt.from, &tt.to, "k", digest)
			if err == nil || err.Error() != tt.want || slipway.KindOf(err) != tt.kind {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
			if tt.from.data == "other" && tt.to.data != "" {
				t.Errorf("the target was written: %q", tt.to.data)
			}
		})
	}
}

func TestCopyWithoutRoomForTheCopy(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()+"/missing")
	_, err := repository.Copy(t.Context(), &fake{data: "bytes"}, &fake{}, "k", slipway.DigestOf([]byte("bytes")))
	if slipway.KindOf(err) != slipway.Unavailable || !strings.HasPrefix(err.Error(), "no room for a temporary copy on this machine: open ") {
		t.Errorf("got %v", err)
	}
	if !strings.HasSuffix(slipway.FixOf(err), "/missing, or set TMPDIR to a folder with more") {
		t.Errorf("the fix is %q", slipway.FixOf(err))
	}
}

func FuzzArtifactKey(f *testing.F) {
	for _, name := range []string{"traffic.py", "My Notebook (1).py", "..", ".env", "a.b.c", "лето.py", "a\x00b", "", strings.Repeat("é.", 200)} {
		f.Add(name)
	}
	commit := strings.Repeat("c0ffee00", 5)
	f.Fuzz(func(t *testing.T, name string) {
		key := slipway.ArtifactKey("traffic-etl", name, slipway.DigestOf([]byte(name)), commit)
		if err := repository.CheckKey(key); err != nil {
			t.Errorf("an artifact may have the name %q: %v", name, err)
		}
	})
}
