package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/leak"
)

// ScanSecrets is the scan for secrets: in the lines that the change adds, or, where
// the commit is compared with nothing, in every file of the app.
const ScanSecrets = "secrets"

// scan looks for secrets and judges what it finds.
func (in Input) scan(ctx context.Context, f *folders, v *verdict) {
	finder, err := leak.New()
	if err != nil {
		v.errored("%v", err)
		return
	}
	names, err := in.scanned(f)
	if err != nil {
		v.errored("the files cannot be listed: %v", err)
		return
	}
	var all []slipway.Finding
	for _, name := range names {
		if ctx.Err() != nil {
			return
		}
		found, err := in.secretsIn(finder, f, name)
		if err != nil {
			v.errored("%s cannot be read: %v", name, err)
			continue
		}
		all = append(all, found...)
	}
	v.judgeFindings(all, f.dir, true)
}

// scanned lists the files to look at.
func (in Input) scanned(f *folders) ([]string, error) {
	if in.Change != nil {
		var names []string
		for name, file := range in.Change.Files {
			if !file.Removed && len(file.Added) > 0 {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return names, nil
	}
	var names []string
	err := fs.WalkDir(f.dir.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			names = append(names, name)
		}
		return err
	})
	return names, err
}

// secretsIn looks for secrets in a file. One that is no text holds none that these
// rules know; a link, or a file that is gone, is not of this folder.
func (in Input) secretsIn(finder *leak.Finder, f *folders, name string) ([]slipway.Finding, error) {
	info, err := f.dir.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if info.Size() > reportLimit {
		return nil, fmt.Errorf("it has %d MiB, and at most %d MiB are read", info.Size()>>20, reportLimit>>20)
	}
	data, err := f.dir.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if bytes.IndexByte(data[:min(len(data), 8<<10)], 0) >= 0 {
		return nil, nil
	}
	return in.findings(finder.Find(string(data)), string(data), name), nil
}

// findings are the secrets of a file that the change brings in.
func (in Input) findings(secrets []leak.Secret, text, name string) []slipway.Finding {
	var all []slipway.Finding
	line, pos := 1, 0
	for _, s := range secrets {
		at := s.Start + max(0, strings.Index(text[s.Start:s.End], s.Text))
		line, pos = line+strings.Count(text[pos:at], "\n"), at
		last := line + strings.Count(s.Text, "\n")
		if in.Change != nil && !in.Change.addsAny(name, line, last) {
			continue
		}
		all = append(all, slipway.Finding{
			Rule: s.Rule, Level: "error", File: name, Line: line,
			Message: fmt.Sprintf("%s (%s); replace the key, since it is in the history by now, and refer to a secret instead; if it is none, end its line with gitleaks:allow", s.Masked(), s.What),
		})
	}
	return all
}
