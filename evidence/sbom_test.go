package evidence_test

import (
	"bytes"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway/evidence"
)

func TestRequirement(t *testing.T) {
	for text, want := range map[string][3]string{ // name, version, package URL
		"pyarrow==17.0.0":                       {"pyarrow", "17.0.0", "pkg:pypi/pyarrow@17.0.0"},
		"awswrangler[redshift] == 3.9.1":        {"awswrangler", "3.9.1", "pkg:pypi/awswrangler@3.9.1"},
		"Typing_Extensions==4.1":                {"Typing_Extensions", "4.1", "pkg:pypi/typing-extensions@4.1"},
		"torch==2.1.0+cpu":                      {"torch", "2.1.0+cpu", "pkg:pypi/torch@2.1.0%2Bcpu"},
		`tomli==2.0.1; python_version < "3.11"`: {"tomli", "2.0.1", "pkg:pypi/tomli@2.0.1"},
		"requests":                              {"requests", "", "pkg:pypi/requests"},
		"requests>=2,<3":                        {"requests", "", "pkg:pypi/requests"},
		"s3://libs/numpy-1.26.4-cp311-cp311-manylinux_2_17_x86_64.whl":     {"numpy", "1.26.4", "pkg:pypi/numpy@1.26.4"},
		"roads @ https://example.com/roads-1.0-py3-none-any.whl#sha256=aa": {"roads", "1.0", "pkg:pypi/roads@1.0"},
		"git+https://example.com/x/y.git":                                  {"git+https://example.com/x/y.git", "", ""},
	} {
		c := evidence.Requirement(text)
		if got := [3]string{c.Name, c.Version, c.PackageURL}; got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestSBOM(t *testing.T) {
	wanted := []string{"requests", "pyarrow==17.0.0", "requests", " "}
	bom, err := evidence.SBOM(release(), record, wanted)
	if err != nil {
		t.Fatal(err)
	}
	var read cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(bom.RawMessage), cdx.BOMFileFormatJSON).Decode(&read); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range *read.Components {
		got = append(got, string(c.Type)+" "+c.Name+" "+c.Version)
	}
	want := []string{"file roads.py ", "library pyarrow 17.0.0", "library requests "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("components (-want +got):\n%s", diff)
	}
	if hash := (*(*read.Components)[0].Hashes)[0]; hash.Value != release().Artifacts[0].Digest.Hex() {
		t.Errorf("the script's hash is %+v", hash)
	}
	if again, err := evidence.SBOM(release(), record, wanted); err != nil || !bytes.Equal(again.RawMessage, bom.RawMessage) {
		t.Errorf("made again it has other bytes, %v", err)
	}
	readBack(t, bom, "https://cyclonedx.org/bom")
}

// Whatever a manifest asks pip for, there is a component for it that has a name.
func FuzzRequirement(f *testing.F) {
	f.Add("pyarrow==17.0.0")
	f.Add("roads @ https://example.com/roads-1.0-py3-none-any.whl")
	f.Fuzz(func(t *testing.T, text string) {
		if c := evidence.Requirement(text); c.Name == "" && text != "" && text[0] != '@' && text[0] != ' ' {
			t.Errorf("%q has no name: %+v", text, c)
		}
	})
}
