package manifest_test

import (
	"flag"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/shape"
)

var update = flag.Bool("update", false, "write the complaints that are seen into testdata")

var builtinOnce = sync.OnceValues(shape.Builtin)

func builtin(t testing.TB) shape.Menu {
	t.Helper()
	menu, err := builtinOnce()
	if err != nil {
		t.Fatal(err)
	}
	return menu
}

// complaint is one case of an archive.
type complaint struct {
	name, in, want string
}

func readComplaints(t testing.TB, file string) []complaint {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var cases []complaint
	for _, f := range archive.Files {
		name, part, _ := strings.Cut(f.Name, "/")
		if part == "in" {
			cases = append(cases, complaint{name: name, in: string(f.Data)})
			continue
		}
		cases[len(cases)-1].want = string(f.Data)
	}
	return cases
}

func writeComplaints(t *testing.T, file string, cases []complaint) {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	archive.Files = nil
	for _, c := range cases {
		archive.Files = append(archive.Files, txtar.File{Name: c.name + "/in", Data: []byte(c.in)}, txtar.File{Name: c.name + "/want", Data: []byte(c.want)})
	}
	if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestComplaints(t *testing.T) {
	menu := builtin(t)
	for file, load := range map[string]func(string, []byte) error{
		"slipway": func(file string, data []byte) error {
			_, err := manifest.Load(file, data, menu)
			return err
		},
		"platform": func(file string, data []byte) error {
			_, err := manifest.LoadPlatform(file, data)
			return err
		},
	} {
		t.Run(file, func(t *testing.T) {
			cases := readComplaints(t, "testdata/"+file+".txtar")
			for i, c := range cases {
				t.Run(c.name, func(t *testing.T) {
					err := load(file+".yaml", []byte(c.in))
					if err == nil {
						t.Fatal("loads without a complaint")
					}
					if kind := slipway.KindOf(err); kind != slipway.Invalid {
						t.Errorf("kind %s, want %s", kind, slipway.Invalid)
					}
					got := err.Error() + "\n"
					if *update {
						cases[i].want = got
						return
					}
					if diff := cmp.Diff(c.want, got); diff != "" {
						t.Errorf("complaint (-want +got):\n%s", diff)
					}
				})
			}
			if *update {
				writeComplaints(t, "testdata/"+file+".txtar", cases)
			}
		})
	}
}
