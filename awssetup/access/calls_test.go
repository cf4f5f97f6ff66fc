package access_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/slipway-cd/slipway/awssetup/access"
)

// permissions are those of calls that are not named as what they need.
var permissions = map[string][]string{
	"s3:HeadObject":    {"s3:GetObject"},
	"s3:ListObjectsV2": {"s3:ListBucket"},
	"s3:HeadBucket":    {"s3:ListBucket"},
	"glue:CreateJob":   {"glue:CreateJob", "glue:TagResource", "iam:PassRole"},
	"glue:UpdateJob":   {"glue:UpdateJob", "iam:PassRole"},
}

// prefixes are what IAM calls the services whose clients are used.
var prefixes = map[string]string{"glue": "glue", "cloudwatchlogs": "logs", "iam": "iam", "s3": "s3"}

// drivers are the packages that call AWS to deploy.
var drivers = []string{"../../driver/glue", "../../repository/bucket"}

func TestTheDeployerMayDoWhatTheDriverDoesAndNoMore(t *testing.T) {
	calls := map[string]string{}
	for _, dir := range drivers {
		for _, f := range functionsOf(t, dir) {
			for _, call := range f.calls {
				calls[call] = f.at
			}
		}
	}
	compare(t, "the deployer", access.Deployer(place(t, environment()), everything()), calls)
}

// looks are where a plan begins: the driver plans and estimates the cost, for which it
// lists runs, and the repository is read.
var looks = map[string][]string{
	"../../driver/glue":       {"Plan", "Cost", "Runs"},
	"../../repository/bucket": {"Open", "Stat", "List", "Read"},
}

func TestThePlannerMayDoWhatAPlanDoesAndNoMore(t *testing.T) {
	calls := map[string]string{}
	for _, dir := range drivers {
		functions := functionsOf(t, dir)
		reached := map[types.Object]bool{}
		var reach func(types.Object)
		reach = func(o types.Object) {
			f, ours := functions[o]
			if !ours || reached[o] {
				return
			}
			reached[o] = true
			for _, call := range f.calls {
				calls[call] = f.at
			}
			for _, used := range f.uses {
				reach(used)
			}
		}
		for o := range functions {
			if slices.Contains(looks[dir], o.Name()) {
				reach(o)
			}
		}
		if len(reached) < 2*len(looks[dir]) {
			t.Fatalf("from %s of %s only %v is reached", looks[dir], dir, reached)
		}
	}
	planner := access.Planner(place(t, environment()), everything())
	compare(t, "the planner", planner, calls)
	for _, s := range planner.Statement {
		for _, action := range s.Action {
			if _, verb, _ := strings.Cut(action, ":"); !strings.HasPrefix(verb, "Get") && !strings.HasPrefix(verb, "List") {
				t.Errorf("the planner may %s, which does not only read", action)
			}
		}
	}
}

// compare holds what a document allows to the calls that are made.
func compare(t *testing.T, who string, d access.Document, calls map[string]string) {
	t.Helper()
	var allowed, needed []string
	for _, s := range d.Statement {
		allowed = append(allowed, s.Action...)
	}
	if calls["s3:GetObject"] == "" {
		t.Fatalf("the calls are not found: %v", calls)
	}
	for call, at := range calls {
		needs, ok := permissions[call]
		if !ok {
			needs = []string{call}
		}
		for _, action := range needs {
			if !slices.Contains(allowed, action) {
				t.Errorf("%s calls %s, and %s may not %s", at, call, who, action)
			}
			needed = append(needed, action)
		}
	}
	for _, action := range allowed {
		if !slices.Contains(needed, action) {
			t.Errorf("%s may %s, and nothing calls it", who, action)
		}
	}
}

// A function is one of a package, or a method: the calls of AWS whose inputs it
// names, and what it uses, other functions among that.
type function struct {
	at    string
	calls []string
	uses  []types.Object
}

// functionsOf reads a package. What it imports is not looked at: a type of another
// package is not known, and no function of this one is called through it.
func functionsOf(t *testing.T, dir string) map[types.Object]function {
	t.Helper()
	paths, err := filepath.Glob(dir + "/*.go")
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s has no files: %v", dir, err)
	}
	set := token.NewFileSet()
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	info := &types.Info{Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: unknown{}, Error: func(error) {}}
	_, _ = config.Check(dir, set, files, info) // what others define is missing
	all := map[types.Object]function{}
	for _, f := range files {
		clients := clientsOf(t, f)
		for _, d := range f.Decls {
			if d, ok := d.(*ast.FuncDecl); ok && d.Body != nil {
				all[info.Defs[d.Name]] = functionOf(d, set.Position(d.Pos()).String(), clients, info)
			}
		}
	}
	return all
}

// unknown imports packages that have nothing in them.
type unknown struct{}

func (unknown) Import(path string) (*types.Package, error) {
	return types.NewPackage(path, path[strings.LastIndex(path, "/")+1:]), nil
}

// clientsOf are the services whose clients a file imports, by the names that they
// have in it.
func clientsOf(t *testing.T, f *ast.File) map[string]string {
	t.Helper()
	clients := map[string]string{}
	for _, spec := range f.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if service, ok := strings.CutPrefix(path, "github.com/aws/aws-sdk-go-v2/service/"); ok && prefixes[service] != "" {
			name := service
			if spec.Name != nil {
				name = spec.Name.Name
			}
			clients[name] = prefixes[service]
		}
	}
	return clients
}

func functionOf(d *ast.FuncDecl, at string, clients map[string]string, info *types.Info) function {
	f := function{at: at + ", " + d.Name.Name}
	ast.Inspect(d.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			if o := info.Uses[n]; o != nil {
				f.uses = append(f.uses, o)
			}
		case *ast.SelectorExpr:
			client, isName := n.X.(*ast.Ident)
			call, isInput := strings.CutSuffix(n.Sel.Name, "Input")
			if isName && isInput && clients[client.Name] != "" {
				f.calls = append(f.calls, clients[client.Name]+":"+call)
			}
		}
		return true
	})
	return f
}
