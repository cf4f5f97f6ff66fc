package store_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/tree"
	"github.com/slipway-cd/slipway/store"
)

// sequenceVariable makes the test a process that writes and sequences in a folder
// until somebody kills it.
const sequenceVariable = "SLIPWAY_TEST_SEQUENCE"

// TestSequencerKilled kills a process that writes and sequences, again and again. The
// next one goes on, and each head goes on from all those before.
func TestSequencerKilled(t *testing.T) {
	if dir := os.Getenv(sequenceVariable); dir != "" {
		writeAndSequence(t, dir)
		return
	}
	dir := t.TempDir()
	var heads []string
	var size int64
	for round := range 12 {
		said := kill(t, dir, 3+7*round%23)
		b := openBook(t, dir)
		r := b.verify(t, "")
		if r.Err() != nil || r.Entries < said {
			t.Fatalf("round %d: %d entries were written, and there is %+v", round, said, r)
		}
		for _, head := range heads {
			if r := b.verify(t, head); r.Err() != nil {
				t.Fatalf("round %d: %v", round, r.Problems)
			}
		}
		if note := b.note(t); note != "" {
			heads = append(heads, note)
		}
		size = r.Head.Size
	}
	if b := openBook(t, dir); size == 0 || b.all(t) < 0 || b.verify(t, "").Waiting != 0 {
		t.Errorf("in the end the tree has %d leaves: %+v", size, b.verify(t, ""))
	}
}

func openBook(t *testing.T, dir string) book {
	t.Helper()
	signer, err := tree.OpenSigner(dir)
	if err != nil {
		t.Fatal(err)
	}
	return book{open(t, filepath.Join(dir, "slipway.db")), signer}
}

// kill starts the process, waits until it has said so many things, kills it, and
// returns how many entries it had said were written.
func kill(t *testing.T, dir string, after int) int64 {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSequencerKilled$") //nolint:gosec // it is this program
	cmd.Env = append(os.Environ(), sequenceVariable+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var written int64
	lines := bufio.NewScanner(out)
	for n := 0; n < after && lines.Scan(); n++ {
		if _, err := fmt.Sscanf(lines.Text(), "written %d", &written); err != nil {
			t.Fatalf("it says %q", lines.Text())
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // what it managed to say before it died
		_, _ = fmt.Sscanf(lines.Text(), "written %d", &written)
	}
	_ = cmd.Wait() // it was killed
	return written
}

func writeAndSequence(t *testing.T, dir string) {
	t.Helper()
	b := openBook(t, dir)
	s := ledger.Subject{App: "traffic", Environment: "prod"}
	for {
		var number int64
		change(t, b.Store, func(tx *store.Tx) error {
			for range 3 {
				e, err := tx.AppendLast(t.Context(), ledger.Draft{Subject: s, ID: fmt.Sprint(os.Getpid(), "-", number), Kind: "x", Time: at(), By: "ana", Body: 1})
				if err != nil {
					return err
				}
				number = e.Number
			}
			return nil
		})
		fmt.Fprintf(os.Stdout, "written %d\n", number)
		if _, _, err := b.Sequence(t.Context(), 2, tree.Head{}, b.signer.Sign); err != nil {
			t.Fatal(err)
		}
	}
}
