package tree

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/slipway-cd/slipway"
)

// A Head is the state of a tree: so many leaves, and one hash over them all.
type Head struct {
	Size int64     `json:"size"`
	Hash tlog.Hash `json:"hash"` // base64
}

// Origin is the first line of a head, which says what it is a head of.
const Origin = "slipway.dev/ledger"

// text is a head as it is signed: a checkpoint (c2sp.org/tlog-checkpoint).
func (h Head) text() string { return fmt.Sprintf("%s\n%d\n%s\n", Origin, h.Size, h.Hash) }

// parseHead reads what text wrote, and nothing else.
func parseHead(text string) (Head, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[0] != Origin || lines[3] != "" {
		return Head{}, slipway.Errorf(slipway.Invalid, "that is not a head of a ledger")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return Head{}, slipway.Errorf(slipway.Invalid, "that is not a head of a ledger: its size is %q", lines[1])
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(raw) != tlog.HashSize {
		return Head{}, slipway.Errorf(slipway.Invalid, "that is not a head of a ledger: its hash is %q", lines[2])
	}
	return Head{Size: size, Hash: tlog.Hash(raw)}, nil
}

// A Signer signs heads with the server's key.
type Signer struct {
	signer note.Signer
	Public string // the verifier's key, which anybody may have
}

// Sign returns the head as a signed note.
func (s *Signer) Sign(h Head) (string, error) {
	signed, err := note.Sign(&note.Note{Text: h.text()}, s.signer)
	return string(signed), err
}

// KeyFile and PublicFile are where the key lies in a data folder.
const (
	KeyFile    = "ledger.key"
	PublicFile = "ledger.pub"
)

// OpenSigner reads the key of a data folder, and makes one where there is none.
func OpenSigner(dir string) (*Signer, error) {
	s, err := openKey(dir, KeyFile)
	if err != nil {
		return nil, err
	}
	if err := settle(dir, s.Public); err != nil {
		return nil, fmt.Errorf("the public key of the ledger: %w", err)
	}
	return s, nil
}

// openKey reads a key, and makes it where there is none.
func openKey(dir, name string) (*Signer, error) {
	file := filepath.Join(dir, name)
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		data, err = makeKey(dir, name)
	}
	if err != nil {
		return nil, fmt.Errorf("the key of the ledger: %w", err)
	}
	private, public, _ := strings.Cut(strings.TrimSpace(string(data)), "\n")
	signer, err := note.NewSigner(private)
	if err != nil {
		return nil, slipway.Errorf(slipway.Unavailable, "%s holds no key: %w", file, err).WithFix("restore it from a backup")
	}
	return &Signer{signer: signer, Public: public}, nil
}

// temporaries are the files in which keys are written before they have their name.
const temporaries = ".ledger-*"

// makeKey makes a key. Of two that do so at once one wins, and both read it.
func makeKey(dir, file string) ([]byte, error) {
	private, public, err := note.GenerateKey(rand.Reader, "slipway")
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // as package store makes it
		return nil, err
	}
	f, err := os.CreateTemp(dir, temporaries) // which nobody else may read
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(private + "\n" + public + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	name := filepath.Join(dir, file)
	// It is not there any more if another one won, and cleared away.
	if err := os.Link(f.Name(), name); err != nil && !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return os.ReadFile(name)
}

// settle does what a process that made the key, and was killed, did not come to: the
// public key has its file, and there is no other copy of the private one.
func settle(dir, public string) error {
	left, err := filepath.Glob(filepath.Join(dir, temporaries))
	for _, file := range left {
		if rmErr := os.Remove(file); rmErr != nil && !errors.Is(rmErr, fs.ErrNotExist) {
			err = errors.Join(err, rmErr)
		}
	}
	name, text := filepath.Join(dir, PublicFile), public+"\n"
	if had, readErr := os.ReadFile(name); err != nil || readErr == nil && string(had) == text {
		return err
	}
	return os.WriteFile(name, []byte(text), 0o644) //nolint:gosec // it is public
}

// OpenHead reads a signed head, and verifies it with a public key. There may be several
// keys, a line each: one of them has to have signed it. See [Keys].
func OpenHead(signed, public string) (Head, error) {
	keys, err := ParseKeys(public)
	if err != nil {
		return Head{}, err
	}
	var verifiers []note.Verifier
	for _, k := range keys {
		verifier, err := note.NewVerifier(k.Public)
		if err != nil {
			return Head{}, err
		}
		verifiers = append(verifiers, verifier)
	}
	n, err := note.Open([]byte(signed), note.VerifierList(verifiers...))
	if err != nil {
		return Head{}, slipway.Errorf(slipway.Invalid, "the head is not signed by %s: %w", strings.Join(keys.publics(), " or "), err).
			WithFix("it was changed, or is of another server")
	}
	h, err := parseHead(n.Text)
	if k := keys[max(keys.find(keys.Of(signed)), 0)]; err == nil && k.Ended && h.Size > k.Size {
		return Head{}, slipway.Errorf(slipway.Invalid, "the head over %d entries is signed by %s, which signed no more after %d", h.Size, k.Public, k.Size).
			WithFix("somebody has an old key of the ledger: find out who")
	}
	return h, err
}
