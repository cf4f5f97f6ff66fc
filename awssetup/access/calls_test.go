package access_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
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

func TestTheDeployerMayDoWhatTheDriverDoesAndNoMore(t *testing.T) {
	var allowed []string
	for _, s := range access.Deployer(place(t, environment()), everything()).Statement {
		allowed = append(allowed, s.Action...)
	}
	var needed []string
	calls := map[string]string{}
	for _, dir := range []string{"../../driver/glue", "../../repository/bucket"} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s has no files: %v", dir, err)
		}
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				callsIn(t, file, calls)
			}
		}
	}
	if calls["s3:PutObject"] == "" {
		t.Fatalf("the calls are not found: %v", calls)
	}
	for call, file := range calls {
		needs, ok := permissions[call]
		if !ok {
			needs = []string{call}
		}
		for _, action := range needs {
			if !slices.Contains(allowed, action) {
				t.Errorf("%s calls %s, and the deployer may not %s", file, call, action)
			}
			needed = append(needed, action)
		}
	}
	for _, action := range allowed {
		if !slices.Contains(needed, action) {
			t.Errorf("the deployer may %s, and nothing calls it", action)
		}
	}
}

// callsIn collects the calls of AWS whose inputs a file names.
func callsIn(t *testing.T, file string, calls map[string]string) {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parser.ParseFile(token.NewFileSet(), file, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	clients := map[string]string{}
	for _, spec := range f.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if service, ok := strings.CutPrefix(path, "github.com/aws/aws-sdk-go-v2/service/"); ok && err == nil && prefixes[service] != "" {
			name := service
			if spec.Name != nil {
				name = spec.Name.Name
			}
			clients[name] = prefixes[service]
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if at, ok := n.(*ast.SelectorExpr); ok {
			client, isName := at.X.(*ast.Ident)
			call, isInput := strings.CutSuffix(at.Sel.Name, "Input")
			if isName && isInput && clients[client.Name] != "" {
				calls[clients[client.Name]+":"+call] = file
			}
		}
		return true
	})
}
