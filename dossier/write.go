package dossier

import (
	"bytes"
	"context"
	"io"
	"maps"
	"slices"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
)

// Write writes a dossier, and seals it: the last line is a signed statement of
// what stands in each line before it, and of where the ledgers end. The same
// content sealed with the same key has the same bytes.
func Write(ctx context.Context, w io.Writer, c Content, by evidence.Signer) error {
	lines, err := c.lines()
	if err != nil {
		return err
	}
	seal := slipway.Seal{App: c.App, Version: c.Version, Heads: c.heads(), By: c.By, Time: c.Time, Lines: []slipway.SealedLine{}}
	var out bytes.Buffer
	for _, l := range lines {
		data, err := l.encode()
		if err != nil {
			return err
		}
		seal.Lines = append(seal.Lines, slipway.SealedLine{Name: l.name(), Digest: slipway.DigestOf(data)})
		out.Write(append(data, '\n'))
	}
	envelope, err := evidence.Attest(ctx, by, seal, []evidence.Subject{evidence.SubjectOf("dossier", slipway.DigestOf(out.Bytes()))})
	if err != nil {
		return err
	}
	last, err := line{Kind: sealLine, Seal: envelope}.encode()
	if err != nil {
		return err
	}
	out.Write(append(last, '\n'))
	_, err = w.Write(out.Bytes())
	return err
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
