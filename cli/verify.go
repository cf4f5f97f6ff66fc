package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/dossier"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/pipeline"
)

type verifyCommand struct {
	File      string `arg:"" help:"The dossier."`
	Policy    string `placeholder:"FILE" help:"Who may sign what, and what each environment asks for: a platform file, or the part of one that says so. Default: the platform file."`
	Artifacts string `placeholder:"DIR" help:"A folder with the release's files, such as slipway download makes: they must have the digests that were proved."`
	Extract   string `placeholder:"DIR" help:"Put the statements and the public keys there, for other tools such as cosign."`
}

// Help implements kong.HelpProvider.
func (verifyCommand) Help() string {
	return `It reads the file and the policy and nothing else: no network, no repository. It proves that each line is as it was sealed, that no
entry of a ledger is missing, who built, checked, signed, promoted and deployed which bytes, and that they were allowed to and in this order.

Example: slipway verify v1.4.0.jsonl --policy platform.yaml

Exit codes: 0 all of it is proved; 1 something does not hold, and it says what; 2 the command or a file is wrong.`
}

// Run implements the command.
func (c *verifyCommand) Run(s *session) error {
	data, err := s.readFile(c.File)
	if err != nil {
		return err
	}
	policy, err := c.policy(s)
	if err != nil {
		return err
	}
	r := dossier.Verify(data, policy)
	if err := c.compare(s, &r); err != nil {
		return err
	}
	if s.globals.JSON {
		err = printJSON(s.env.Stdout, r)
	} else {
		err = s.printReport(r)
	}
	if err == nil {
		err = r.Err()
	}
	if err == nil && c.Extract != "" {
		err = c.extract(s, r)
	}
	return err
}

// policy reads who may sign what.
func (c *verifyCommand) policy(s *session) (dossier.Policy, error) {
	name := c.Policy
	if name == "" {
		name = s.globals.Platform
	}
	if name == "" {
		name = nearestPlatform(s.env.Dir)
	}
	if name == "" {
		return dossier.Policy{}, slipway.Errorf(slipway.Invalid, "there is no policy to verify against: no %s here or above", manifest.PlatformFileName).
			WithFix("name one with --policy FILE, which you have from somebody you trust")
	}
	text, err := s.readFile(name)
	if err != nil {
		return dossier.Policy{}, err
	}
	p, err := manifest.LoadPlatform(name, text)
	if err != nil {
		return dossier.Policy{}, err
	}
	if len(p.Signers) == 0 {
		return dossier.Policy{}, slipway.Errorf(slipway.Invalid, "%s names no signers, so nothing that a machine attested can be believed", name).
			WithFix("name them under signers, with the public keys of those who build and deploy; on a machine without a key of its own it lies in %s/signing.key.pub", pipeline.StateFolder)
	}
	return pipeline.VerifyPolicy(p), nil
}

// nearestPlatform is the platform file in a folder or above it; empty: there is
// none.
func nearestPlatform(dir string) string {
	for {
		file := filepath.Join(dir, manifest.PlatformFileName)
		if _, err := os.Stat(file); err == nil {
			return file
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
		dir = filepath.Dir(dir)
	}
}

// compare holds the files of a folder against the artifacts that were proved.
func (c *verifyCommand) compare(s *session, r *dossier.Report) error {
	if c.Artifacts == "" || len(r.Faults) > 0 {
		return nil
	}
	for _, a := range r.Artifacts {
		data, err := os.ReadFile(filepath.Join(s.path(c.Artifacts), a.Name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			r.Faults = append(r.Faults, dossier.Fault{Where: a.Name, Why: "it is not in " + c.Artifacts})
		case err != nil:
			return slipway.Errorf(slipway.Unavailable, "cannot read %s: %w", a.Name, reason(err))
		case slipway.DigestOf(data) != a.Digest:
			r.Faults = append(r.Faults, dossier.Fault{Where: a.Name, Why: fmt.Sprintf("the file in %s has %s, and %s was released", c.Artifacts, slipway.DigestOf(data), a.Digest)})
		default:
			r.Proofs = append(r.Proofs, dossier.Proof{What: fmt.Sprintf("%s in %s is what was released", a.Name, c.Artifacts)})
		}
	}
	return nil
}

func (s *session) printReport(r dossier.Report) error {
	w := s.env.Stdout
	if len(r.Faults) > 0 {
		for _, f := range r.Faults {
			fmt.Fprintln(w, f)
		}
		return nil
	}
	fmt.Fprintf(w, "%s %s, through %s\nwritten %s, sealed by %s\n", r.App, r.Version, strings.Join(r.Environments, ", "), when(r.Written), r.SealedBy)
	for _, a := range r.Artifacts {
		fmt.Fprintf(w, "  %s %s\n", a.Digest, a.Name)
	}
	var rows [][]string
	for _, p := range r.Proofs {
		rows = append(rows, []string{p.What, p.By, when(p.Time), p.At})
	}
	if err := table(w, "PROVED\tSIGNED BY\tTIME\tAT", rows); err != nil {
		return err
	}
	fmt.Fprintf(w, "every line is as it was sealed, and no entry is missing\n")
	return nil
}

// extract writes statements and keys, each to a file.
func (c *verifyCommand) extract(s *session, r dossier.Report) error {
	dir := s.path(c.Extract)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return slipway.Errorf(slipway.Unavailable, "cannot make %s: %w", c.Extract, reason(err))
	}
	for _, st := range r.Statements {
		if err := writeFile(filepath.Join(dir, st.Name+".json"), st.Envelope); err != nil {
			return err
		}
	}
	used := map[string]int{}
	for _, k := range r.Keys {
		name := k.Person + k.Signer
		if used[name]++; used[name] > 1 {
			name = fmt.Sprintf("%s-%d", name, used[name])
		}
		if err := writeFile(filepath.Join(dir, filepath.Base(name)+".pem"), []byte(k.PEM)); err != nil {
			return err
		}
	}
	s.talk.say("%d statements and %d keys are in %s", len(r.Statements), len(r.Keys), c.Extract)
	return nil
}
