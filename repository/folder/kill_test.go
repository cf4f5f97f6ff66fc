package folder_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/slipway-cd/slipway/repository"
)

const writeTo = "SLIPWAY_TEST_WRITE_TO"

func TestMain(m *testing.M) {
	if dir := os.Getenv(writeTo); dir != "" {
		writeUntilKilled(dir)
	}
	os.Exit(m.Run())
}

// A writer killed at any point leaves no half object under its final name, and
// nothing that would be in the way of the next.
func TestKilledWritersLeaveNothingHalf(t *testing.T) {
	const kills = 120
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same moments each time
	half := 0
	for range kills {
		killWriter(t, dir, random.IntN(120), random.IntN(400_000))
		half += len(temporaries(dir))
	}
	r := open(t, dir)
	objects := wholeObjects(t, r)
	if objects == 0 {
		t.Error("no object was written at all, so the test showed nothing")
	}
	if half == 0 {
		t.Error("no writer was killed half-way, so the test showed nothing")
	}
	if _, err := r.Put(t.Context(), "last", strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	if got := temporaries(dir); len(got) != 0 {
		t.Errorf("temporary files of dead writers are left: %q", got)
	}
	t.Logf("%d kills, %d of them half-way, %d whole objects", kills, half, objects)
}

// killWriter starts a writer and kills it after so many of its reads and a
// little spinning.
func killWriter(t *testing.T, dir string, reads, spins int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), writeTo+"="+dir)
	cmd.Stderr = os.Stderr
	progress, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, err = io.ReadFull(progress, make([]byte, reads+1))
	spin(spins)
	_ = cmd.Process.Kill()
	ended := cmd.Wait()
	if err != nil {
		t.Fatalf("the writer ended by itself: %v, %v", err, ended)
	}
}

func spin(n int) {
	sum := sha256.Sum256(nil)
	for range n / 100 {
		sum = sha256.Sum256(sum[:])
	}
}

// wholeObjects counts the objects, each of which must have the bytes that its
// key names.
func wholeObjects(t *testing.T, r repository.Repository) int {
	t.Helper()
	n := 0
	for o, err := range r.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		data, _, err := r.Read(t.Context(), o.Key)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		if o.Key != "swapped" && !strings.HasSuffix(o.Key, hex.EncodeToString(sum[:])) {
			t.Errorf("%s has other bytes: %d of them", o.Key, len(data))
		}
		if o.Key == "swapped" && (len(data) == 0 || len(bytes.Trim(data, string(data[:1]))) != 0 || len(data) != 50_000) {
			t.Errorf("half a swap is visible: %d bytes", len(data))
		}
		n++
	}
	return n
}

// writeUntilKilled puts and swaps, and prints a byte at each read of its data.
func writeUntilKilled(dir string) {
	r, err := openPath(dir)
	if err != nil {
		panic(err)
	}
	for i := 0; ; i++ {
		data := bytes.Repeat([]byte(strconv.Itoa(rand.Int())), 20_000)
		sum := sha256.Sum256(data)
		key := "app/" + strconv.Itoa(i) + "/" + hex.EncodeToString(sum[:])
		if _, err := r.Put(noContext(), key, &telling{Reader: bytes.NewReader(data)}); err != nil {
			panic(err)
		}
		_, version, err := r.Read(noContext(), "swapped")
		if err != nil && version != "" {
			panic(err)
		}
		if _, err := r.Swap(noContext(), "swapped", version, bytes.Repeat([]byte{byte('a' + i%26)}, 50_000)); err != nil {
			panic(err)
		}
		tell()
	}
}

type telling struct{ *bytes.Reader }

func (r *telling) Read(p []byte) (int, error) {
	tell()
	return r.Reader.Read(p[:min(len(p), 8<<10)])
}

func tell() { _, _ = syscall.Write(1, []byte{'.'}) }

func temporaries(dir string) []string {
	names, err := filepath.Glob(filepath.Join(dir, ".tmp", "*"))
	if err != nil {
		panic(err) // the pattern is wrong
	}
	return names
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
