package evidence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/slipway-cd/slipway"
)

// SBOM is the bill of materials of a release: its artifacts, and the Python
// packages that the runtime installs for it, as the manifest asks pip for them.
// What those bring with them is not in it. The same release has the same bytes.
func SBOM(r slipway.Release, record slipway.Digest, requirements []string) (BOM, error) {
	bom := cdx.NewBOM()
	bom.SerialNumber = serial(record)
	root := cdx.Component{BOMRef: r.App, Type: cdx.ComponentTypeApplication, Name: r.App, Version: r.Version}
	bom.Metadata = &cdx.Metadata{Timestamp: r.Created.UTC().Format(time.RFC3339), Component: &root}
	var all []cdx.Component
	for _, a := range r.Artifacts {
		all = append(all, file(a))
	}
	for _, text := range distinct(requirements) {
		all = append(all, Requirement(text))
	}
	refs := []string{}
	for _, c := range all {
		refs = append(refs, c.BOMRef)
	}
	bom.Components = &all
	bom.Dependencies = &[]cdx.Dependency{{Ref: root.BOMRef, Dependencies: &refs}}
	var out bytes.Buffer
	if err := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON).SetEscapeHTML(true).Encode(bom); err != nil {
		return BOM{}, fmt.Errorf("write the bill of materials: %w", err)
	}
	return BOM{json.RawMessage(bytes.TrimSpace(out.Bytes()))}, nil
}

// serial makes the bill's serial number of the release's record: a UUID of
// version 8, which leaves its bits to us.
func serial(record slipway.Digest) string {
	h := record.Hex()
	if len(h) < 32 {
		return ""
	}
	return fmt.Sprintf("urn:uuid:%s-%s-8%s-8%s-%s", h[:8], h[8:12], h[13:16], h[17:20], h[20:32])
}

// distinct are the requirements, sorted, each once.
func distinct(requirements []string) []string {
	var all []string
	for _, text := range requirements {
		if text = strings.TrimSpace(text); text != "" {
			all = append(all, text)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func file(a slipway.Artifact) cdx.Component {
	return cdx.Component{
		BOMRef: "file:" + a.Name, Type: cdx.ComponentTypeFile, Name: a.Name,
		Hashes: &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: a.Digest.Hex()}},
	}
}

// requirement is a package as pip names it: name, extras, and how the version is
// bounded.
var requirement = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(?:(==)\s*([A-Za-z0-9._+!-]+)\s*)?(?:;.*)?$`)

// named is the package in a requirement whose version is open, or bounded otherwise.
var named = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._-]*)`)

// wheel is a wheel's file name: package, version, and what it runs on.
var wheel = regexp.MustCompile(`^([A-Za-z0-9._]+)-([A-Za-z0-9._+!]+)(?:-[0-9][A-Za-z0-9_.]*)?-[A-Za-z0-9_.]+-[A-Za-z0-9_.]+-[A-Za-z0-9_.]+\.whl$`)

// Requirement is what a bill of materials says of one line that pip is given: a
// package, or the address of a wheel. Without an exact version it has none.
func Requirement(text string) cdx.Component {
	c := cdx.Component{Type: cdx.ComponentTypeLibrary, BOMRef: "pip:" + text, Name: text}
	c.Properties = &[]cdx.Property{{Name: "slipway:requirement", Value: text}}
	address := text
	if name, at, ok := strings.Cut(text, "@"); ok && strings.Contains(at, "://") {
		c.Name, address = strings.TrimSpace(name), strings.TrimSpace(at)
	}
	base, _, _ := strings.Cut(path.Base(address), "#")
	if m := wheel.FindStringSubmatch(base); m != nil {
		c.Name, c.Version = m[1], m[2]
	} else if m := requirement.FindStringSubmatch(text); m != nil {
		c.Name, c.Version = m[1], m[3]
	} else if m := named.FindStringSubmatch(text); m != nil && !strings.Contains(text, "/") {
		c.Name = m[1]
	}
	if !strings.Contains(c.Name, "/") {
		c.PackageURL = "pkg:pypi/" + normal(c.Name)
		if c.Version != "" {
			c.PackageURL += "@" + strings.NewReplacer("+", "%2B", "!", "%21").Replace(c.Version)
		}
	}
	return c
}

// separators are what PyPI takes for one and the same in a name.
var separators = regexp.MustCompile(`[-_.]+`)

// normal is a package's name as PyPI compares names.
func normal(name string) string {
	return strings.ToLower(separators.ReplaceAllString(name, "-"))
}
