package rest

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"

	"github.com/slipway-cd/slipway"
)

// Sums are the checksums of bytes. Those of the stores are in base64, as they write
// them, and empty where they are not known: they find bytes that were damaged on the
// way. What bytes are is said by the digest alone.
type Sums struct {
	Digest slipway.Digest
	MD5    string
	CRC32C string
}

// A summer makes all sums at once.
type summer struct {
	digest, md5 hash.Hash
	crc32c      hash.Hash32
	size        int64
}

func newSummer() *summer {
	return &summer{digest: sha256.New(), md5: md5.New(), crc32c: crc32.New(crc32.MakeTable(crc32.Castagnoli))}
}

func (s *summer) Write(p []byte) (int, error) {
	for _, h := range []io.Writer{s.digest, s.md5, s.crc32c} {
		_, _ = h.Write(p) // a hash never fails
	}
	s.size += int64(len(p))
	return len(p), nil
}

func (s *summer) sums() Sums {
	return Sums{
		Digest: slipway.Digest("sha256:" + hex.EncodeToString(s.digest.Sum(nil))),
		MD5:    base64.StdEncoding.EncodeToString(s.md5.Sum(nil)),
		CRC32C: base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, s.crc32c.Sum32())),
	}
}

// measure reads data from its beginning to its end.
func measure(data io.ReadSeeker) (Sums, int64, error) {
	if _, err := data.Seek(0, io.SeekStart); err != nil {
		return Sums{}, 0, err
	}
	return sum(data)
}

func sum(data io.Reader) (Sums, int64, error) {
	s := newSummer()
	if _, err := io.Copy(s, data); err != nil {
		return Sums{}, 0, err
	}
	return s.sums(), s.size, nil
}

// A reader gives an object's bytes, and at their end looks whether they are those that
// the store has. It tells a connection that breaks off.
type reader struct {
	body  io.ReadCloser
	want  Found
	seen  *summer
	tell  func(error) error
	ended error
}

func newReader(body io.ReadCloser, want Found, tell func(error) error) *reader {
	return &reader{body: body, want: want, seen: newSummer(), tell: tell}
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if r.ended != nil {
		return 0, r.ended
	}
	n, err := r.body.Read(p)
	_, _ = r.seen.Write(p[:n])
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, io.EOF):
		r.ended = io.EOF
		if err := r.check(); err != nil {
			r.ended = r.tell(err)
		}
	default:
		r.ended = r.tell(err)
	}
	return n, r.ended
}

// check compares what has been read with what the store says of it.
func (r *reader) check() error {
	if r.seen.size != r.want.Size {
		return fmt.Errorf("%d bytes came, and the store has %d", r.seen.size, r.want.Size)
	}
	got := r.seen.sums()
	for _, pair := range [][2]string{{got.MD5, r.want.Sums.MD5}, {got.CRC32C, r.want.Sums.CRC32C}} {
		if pair[1] != "" && pair[0] != pair[1] {
			return errors.New("other bytes came than the store has, by their checksum")
		}
	}
	return nil
}

// Close implements io.Closer.
func (r *reader) Close() error { return r.body.Close() }
