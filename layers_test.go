package slipway_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/slipway-cd/slipway"

// layers says which packages of this module each package may import. Every
// package may import the root. A package without a row fails the test: a new
// package is a decision, made here and explained in docs/decisions.
// ARCHITECTURE.md says what each of them is for.
var layers = map[string][]string{
	".": {},

	// Pure: bytes in, values out.
	"access":          {},
	"awssetup/access": {},

	"evidence": {},

	"notebook":       {},
	"notebook/clean": {"notebook", "notebook/edit"},
	"notebook/diff":  {"notebook"},
	"notebook/edit":  {"notebook"},
	"leak":           {},
	"notebook/lint":  {"leak", "notebook", "notebook/edit"},
	"schema":         {},
	"shape":          {"schema"},
	"policy":         {"schema", "shape"},
	"manifest":       {"access", "evidence", "notebook", "policy", "schema", "shape"},
	"merge":          {"manifest", "schema"},

	// Contracts, and the kits that hold their implementations to them.
	"forge":                     {},
	"forge/forgetest":           {"forge"},
	"driver":                    {},
	"driver/drivertest":         {"driver"},
	"ledger":                    {},
	"ledger/ledgertest":         {"ledger"},
	"ledger/tree":               {"ledger"},
	"repository":                {},
	"repository/repositorytest": {"ledger", "ledger/ledgertest", "ledger/object", "repository"},

	// One outside thing each.
	"awsauth":                 {},
	"awsauth/awstest":         {"scripts"},
	"scripts":                 {},
	"awssetup":                {"awsauth", "awssetup/access"},
	"azureauth":               {},
	"driver/glue":             {"driver", "repository", "driver/glue/price", "awssetup/access", "schema"},
	"driver/glue/price":       {"driver", "schema"},
	"driver/glue/gluetest":    {},
	"driver/local":            {"driver", "sandbox", "sandbox/mask"},
	"forge/gitea":             {"forge"},
	"forge/github":            {"forge"},
	"forge/github/githubtest": {},
	"forge/gitlab":            {"forge"},
	"forge/gitlab/gitlabtest": {},
	"forge/plain":             {"forge", "git"},
	"gcpauth":                 {},
	"git":                     {},
	"identity":                {"evidence"},
	"identity/awskms":         {"evidence"},
	"identity/cloudkms":       {"evidence"},
	"ledger/object":           {"ledger", "repository"},
	"sandbox":                 {"sandbox/mask"},
	"sandbox/mask":            {},
	"repository/azure":        {"repository", "repository/rest"},
	"repository/bucket":       {"repository"},
	"repository/emulator":     {"repository", "scripts"},
	"repository/folder":       {"repository"},
	"repository/gcs":          {"repository", "repository/rest"},
	"repository/rest":         {"repository"},
	"store":                   {"access", "ledger", "ledger/tree"},
	"store/pgtest":            {},
	"telemetry":               {},
	"workflow":                {"store", "telemetry"},
	"workflow/workflowtest":   {"workflow"},

	// The stages: pure packages and contracts, never each other, never a driver.
	"build":   {"git", "manifest", "notebook", "sandbox"},
	"check":   {"leak", "manifest", "sandbox"},
	"release": {"ledger", "manifest", "repository"},
	"promote": {"evidence", "ledger", "repository"},
	"deploy":  {"driver", "ledger", "repository"},
	"operate": {"driver", "ledger"},
	"fsck":    {"evidence", "ledger", "repository"},

	// The order of the stages, and the faces on it.
	"dossier": {"evidence", "ledger", "promote"},
	"pipeline": {
		"build", "check", "dossier", "fsck", "release", "promote", "deploy", "operate",
		"driver", "evidence", "git", "ledger", "manifest", "merge", "notebook", "policy", "repository", "sandbox", "schema", "shape", "workflow",
	},
	// The values that pipeline takes and returns are those of stages and contracts.
	"notice":         {},
	"server/comment": {"schema"},
	"server/client":  {"access", "ledger", "operate", "pipeline", "server", "store"},
	"server/signin":  {"access", "store"},
	"server":         {"access", "driver", "evidence", "forge", "git", "ledger", "ledger/tree", "manifest", "merge", "notebook/diff", "notice", "operate", "pipeline", "promote", "repository", "sandbox", "schema", "server/comment", "shape", "store", "telemetry"},
	"examples":       {},
	"cli": {
		"examples", "fsck", "git", "identity", "manifest", "merge", "notebook", "notebook/clean", "notebook/diff", "notebook/lint", "pipeline", "policy", "schema", "shape",
		"access", "awssetup", "awssetup/access", "dossier", "driver", "evidence", "forge", "forge/plain", "ledger", "ledger/tree", "operate", "promote", "deploy", "server", "server/client", "server/signin", "store", "telemetry",
	},
	"packaging":  {},
	"cmd/parity": {"notebook", "notebook/diff"},
	"cmd/wire":   {},

	"cmd/slipway/early": {},
	"cmd/slipway": {
		"awsauth", "awssetup", "azureauth", "cli", "cmd/slipway/early", "evidence", "gcpauth", "identity/awskms", "identity/cloudkms", "driver", "driver/glue", "driver/glue/price", "driver/local", "forge", "forge/gitea", "forge/github", "forge/gitlab", "forge/plain", "ledger", "ledger/object", "manifest", "pipeline",
		"repository", "repository/azure", "repository/bucket", "repository/folder", "repository/gcs", "schema", "store", "telemetry", "workflow",
	},
}

func TestEveryPackageImportsDownwards(t *testing.T) {
	for file, imports := range goFiles(t) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		from := path.Dir(filepath.ToSlash(file))
		may, ok := layers[from]
		if !ok {
			t.Errorf("%s: package %s has no row in layers", file, from)
			continue
		}
		for _, imp := range imports {
			to, ours := strings.CutPrefix(imp, module+"/")
			if ours && !slices.Contains(may, to) {
				t.Errorf("%s: package %s must not import %s", file, from, to)
			}
		}
	}
}

func TestStagesKnowNeitherEachOtherNorADriver(t *testing.T) {
	stages := []string{"build", "check", "release", "promote", "deploy", "operate"}
	for _, stage := range stages {
		for _, to := range layers[stage] {
			if slices.Contains(stages, to) || strings.Contains(to, "/") || to == "pipeline" {
				t.Errorf("layers lets stage %s import %s: what one stage hands to the next is a noun of the root package, and a stage knows the contract, never a driver", stage, to)
			}
		}
	}
}

func TestArchitecturePageHasTheSameTable(t *testing.T) {
	page, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{} // package to what the page says it may import
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, "|")
		if len(cells) == 5 && strings.HasPrefix(cells[1], " `") {
			rows[strings.Trim(cells[1], " `")] = strings.TrimSpace(cells[3])
		}
	}
	for from, may := range layers {
		want := ""
		if len(may) > 0 {
			want = "`" + strings.Join(slices.Sorted(slices.Values(may)), "`, `") + "`"
		}
		if got, ok := rows[from]; !ok {
			t.Errorf("ARCHITECTURE.md has no row for package %s", from)
		} else if got != want && from != "cmd/slipway" {
			t.Errorf("ARCHITECTURE.md lets %s import %q, layers %q", from, got, want)
		}
	}
}

// goFiles returns the Go files of this module with what each imports. It parses
// them itself: the test cache sees what a test reads, but not what a child process
// such as go list reads, and would answer from the cache after a bad import.
func goFiles(t *testing.T) map[string][]string {
	t.Helper()
	files := map[string][]string{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && holdsNoPackage(d.Name()):
			return fs.SkipDir
		case strings.HasSuffix(file, ".go"):
			files[file], err = importsOf(file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func holdsNoPackage(folder string) bool {
	hidden := strings.HasPrefix(folder, ".") && folder != "."
	return hidden || slices.Contains([]string{"bin", "node_modules", "testdata", "tools"}, folder)
}

func importsOf(file string) ([]string, error) {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	var imports []string
	for _, spec := range f.Imports {
		imp, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		imports = append(imports, imp)
	}
	return imports, nil
}
