package main

import (
	"debug/buildinfo"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/CycloneDX/cyclonedx-go"
)

// bill writes what is in the image of an architecture, as CycloneDX.
func (r release) bill(arch, binary string, packages []deb) error {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return err
	}
	b := cyclonedx.NewBOM()
	b.Metadata = &cyclonedx.Metadata{
		Timestamp: epoch.Format("2006-01-02T15:04:05Z"),
		Component: &cyclonedx.Component{Type: cyclonedx.ComponentTypeContainer, Name: "slipway", Version: r.version},
	}
	all := []cyclonedx.Component{{
		Type: cyclonedx.ComponentTypeApplication, Name: info.Main.Path, Version: r.version, PackageURL: "pkg:golang/" + info.Main.Path + "@" + r.version,
	}, {
		Type: cyclonedx.ComponentTypeLibrary, Name: "stdlib", Version: info.GoVersion, PackageURL: "pkg:golang/stdlib@" + strings.TrimPrefix(info.GoVersion, "go"),
	}}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		all = append(all, cyclonedx.Component{Type: cyclonedx.ComponentTypeLibrary, Name: m.Path, Version: m.Version, PackageURL: "pkg:golang/" + m.Path + "@" + m.Version})
	}
	for _, p := range packages {
		all = append(all, cyclonedx.Component{
			Type: cyclonedx.ComponentTypeLibrary, Name: p.name, Version: p.version,
			PackageURL: "pkg:deb/debian/" + p.name + "@" + strings.ReplaceAll(p.version, "+", "%2B") + "?arch=" + p.arch + "&distro=bookworm",
			Hashes:     &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: p.sum}},
		})
	}
	slices.SortFunc(all, func(a, b cyclonedx.Component) int { return strings.Compare(a.PackageURL, b.PackageURL) })
	for i := range all {
		all[i].BOMRef = all[i].PackageURL
	}
	b.Components = &all
	f, err := os.Create(filepath.Join(r.dist, "slipway_"+r.version+"_image_"+arch+".cdx.json"))
	if err != nil {
		return err
	}
	defer f.Close()
	e := cyclonedx.NewBOMEncoder(f, cyclonedx.BOMFileFormatJSON)
	return e.SetPretty(true).EncodeVersion(b, cyclonedx.SpecVersion1_6)
}
