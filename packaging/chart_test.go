package packaging

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/slipway-cd/slipway/cli"
	"github.com/slipway-cd/slipway/manifest"
)

// oldest and newest are the versions of Kubernetes whose types the chart is held to.
const oldest, newest = "v1.27.0", "v1.37.0"

// helm runs the real Helm, of tools/helm. It takes some minutes to build, so the tests
// are skipped where nobody has, but on CI.
func helm(t *testing.T, args ...string) (string, error) {
	t.Helper()
	text, err := os.ReadFile("../tools/helm/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`helm\.sh/helm/v4 (v\S+)`).FindSubmatch(text)
	cache, err := os.UserCacheDir()
	if err != nil || m == nil {
		t.Fatalf("tools/helm/go.mod has no version of Helm, or there is no cache: %v", err)
	}
	file := filepath.Join(cache, "slipway-tools", "helm-"+string(m[1])+"-"+runtime.Version())
	if _, err := exec.LookPath(file); err != nil {
		if os.Getenv("CI") == "" {
			t.Skipf("there is no %s: scripts/tool.sh helm version builds it", file)
		}
		if out, err := exec.CommandContext(t.Context(), "../scripts/tool.sh", "helm", "version").CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	out, err := exec.CommandContext(t.Context(), file, args...).CombinedOutput() //nolint:gosec // our own tool
	return string(out), err
}

const chart = "helm/slipway"

func values(name string) string { return "helm/values/" + name + ".yaml" }

func TestHelmFindsNothingWrong(t *testing.T) {
	for _, name := range []string{"one", "many", "bare", "workers"} {
		if out, err := helm(t, "lint", "--strict", chart, "--values", values(name)); err != nil || strings.Contains(out, "WARNING") {
			t.Errorf("with %s: %v\n%s", name, err, out)
		}
	}
}

// An object is a manifest, as its JSON says.
type object map[string]any

func (o object) kind() string { kind, _ := o["kind"].(string); return kind }

// at finds what is inside of an object.
func at(t *testing.T, in any, way ...any) any {
	t.Helper()
	for _, step := range way {
		switch step := step.(type) {
		case string:
			switch m := in.(type) {
			case object:
				in = m[step]
			case map[string]any:
				in = m[step]
			default:
				t.Fatalf("there is no %s in %v", step, in)
			}
		case int:
			list, ok := in.([]any)
			if !ok || len(list) <= step {
				t.Fatalf("there is no item %d in %v", step, in)
			}
			in = list[step]
		}
	}
	return in
}

// rendered are the manifests that the chart makes of some values, by kind and name.
func rendered(t *testing.T, name string) map[string]object {
	t.Helper()
	out, err := helm(t, "template", "prod", chart, "--namespace", "delivery", "--values", values(name))
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	all := map[string]object{}
	for d := yaml.NewDecoder(strings.NewReader(out)); ; {
		var doc any
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		data, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		read, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		m, ok := read.(map[string]any)
		if !ok {
			continue // an empty document
		}
		o := object(m)
		label, _ := at(t, o, "metadata", "name").(string)
		all[o.kind()+" "+label] = o
	}
}

func TestTheChartMakesWhatKubernetesTakes(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "../scripts/kubernetes.sh").Output()
	if err != nil {
		t.Fatal(err)
	}
	schemas := strings.TrimSpace(string(out))
	for name, want := range map[string][]string{
		"one":  {"ConfigMap prod-slipway", "NetworkPolicy prod-slipway", "Service prod-slipway", "Service prod-slipway-servers", "ServiceAccount prod-slipway", "StatefulSet prod-slipway"},
		"many": {"Ingress prod-slipway", "NetworkPolicy prod-slipway", "PodDisruptionBudget prod-slipway", "Service prod-slipway", "Service prod-slipway-servers", "ServiceAccount prod-slipway", "StatefulSet prod-slipway"},
		"bare": {"Service prod-slipway", "Service prod-slipway-servers", "StatefulSet prod-slipway"},
		"workers": {
			"Deployment prod-slipway-gpu", "Deployment prod-slipway-plain", "NetworkPolicy prod-slipway", "NetworkPolicy prod-slipway-workers", "PodDisruptionBudget prod-slipway",
			"Service prod-slipway", "Service prod-slipway-servers", "ServiceAccount prod-slipway", "StatefulSet prod-slipway",
		},
	} {
		all := rendered(t, name)
		var got []string
		for label, o := range all {
			got = append(got, label)
			for _, version := range []string{oldest, newest} {
				if err := validated(t, schemas, version, o); err != nil {
					t.Errorf("with %s, for Kubernetes %s, %s: %v", name, version, label, err)
				}
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("with %s: %s", name, diff)
		}
		if name == "bare" {
			all["StatefulSet prod-slipway"]["spec"].(map[string]any)["replica"] = 1 //nolint:forcetypeassert // it was taken above
			if validated(t, schemas, newest, all["StatefulSet prod-slipway"]) == nil {
				t.Error("a wrong field is taken")
			}
		}
	}
}

// validated holds a manifest to the schema of its kind, in which an unknown field is
// wrong.
func validated(t *testing.T, schemas, version string, o object) error {
	t.Helper()
	group, v, ok := strings.Cut(at(t, o, "apiVersion").(string), "/") //nolint:forcetypeassert // every manifest has it
	file := strings.ToLower(o.kind())
	if ok {
		group, _, _ = strings.Cut(group, ".")
		file += "-" + group + "-" + v
	} else {
		file += "-" + group
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(definitions(filepath.Join(schemas, version+"-local-strict")))
	schema, err := compiler.Compile("file:///api/" + file + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(map[string]any(o))
}

// definitions is a folder of schemas, which call it /api.
type definitions string

// Load implements jsonschema.URLLoader.
func (d definitions) Load(url string) (any, error) {
	return jsonschema.FileLoader{}.Load("file://" + string(d) + "/" + path.Base(url))
}

func TestTheServerRunsAsTheChartSays(t *testing.T) {
	all := rendered(t, "many")
	spec := at(t, all["StatefulSet prod-slipway"], "spec", "template", "spec")
	box := at(t, spec, "containers", 0)
	known(t, box)
	env := map[string]any{}
	for _, v := range at(t, box, "env").([]any) { //nolint:forcetypeassert // the schema says so
		env[at(t, v, "name").(string)] = at(t, v, "value") //nolint:forcetypeassert // as above
	}
	if env["SLIPWAY_DATABASE"] != "postgres://slipway@db.example.com/slipway?sslmode=verify-full" || env["OTEL_EXPORTER_OTLP_ENDPOINT"] != "http://collector.observability:4318" {
		t.Errorf("the variables are %v", env)
	}
	if got := at(t, spec, "volumes", 2, "projected", "sources", 0, "secret", "items", 0, "path"); got != "database/password" {
		t.Errorf("the password is at %v", got)
	}
	if got := at(t, box, "image"); got != "registry.example.com/slipway:v1.4.0" {
		t.Errorf("the image is %v", got)
	}
	if got, _ := helm(t, "template", "x", chart, "--values", values("bare")); !strings.Contains(got, `"registry.example.com/slipway@sha256:e3b0`) {
		t.Error("a digest is not what the image is named by")
	}
	restricted(t, spec)
	data, _ := at(t, rendered(t, "one")["ConfigMap prod-slipway"], "data", "platform.yaml").(string)
	if _, err := manifest.LoadPlatform("platform.yaml", []byte(data)); err != nil {
		t.Errorf("the platform file is not whole: %v\n%s", err, data)
	}
}

// known holds the arguments of a container to the help of the command that it is.
func known(t *testing.T, box any) {
	t.Helper()
	args := at(t, box, "args").([]any) //nolint:forcetypeassert // the schema says so
	command := args[0].(string)        //nolint:forcetypeassert // as above
	var help bytes.Buffer
	if code := cli.Main(t.Context(), cli.Env{Args: []string{command, "--help"}, Stdout: &help, Stderr: t.Output(), Clock: time.Now}); code != 0 {
		t.Fatalf("slipway %s --help exits with %d", command, code)
	}
	for _, arg := range args[1:] {
		flag, _, _ := strings.Cut(arg.(string), "=") //nolint:forcetypeassert // as above
		if !strings.Contains(help.String(), flag+"=") {
			t.Errorf("slipway %s has no %s", command, flag)
		}
	}
}

// restricted holds a pod to what the level "restricted" of Pod Security Standards asks for.
func restricted(t *testing.T, spec any) {
	t.Helper()
	box := at(t, spec, "containers", 0)
	for _, want := range []struct {
		in    any
		path  []any
		value any
	}{
		{spec, []any{"securityContext", "runAsNonRoot"}, true},
		{spec, []any{"securityContext", "seccompProfile", "type"}, "RuntimeDefault"},
		{spec, []any{"automountServiceAccountToken"}, false},
		{box, []any{"securityContext", "allowPrivilegeEscalation"}, false},
		{box, []any{"securityContext", "readOnlyRootFilesystem"}, true},
		{box, []any{"securityContext", "capabilities", "drop", 0}, "ALL"},
	} {
		if got := at(t, want.in, want.path...); got != want.value {
			t.Errorf("%v is %v", want.path, got)
		}
	}
}

func TestWorkersRunAsTheChartSays(t *testing.T) {
	all := rendered(t, "workers")
	for name, want := range map[string]struct {
		replicas string
		args     []any
		size     string
	}{
		"plain": {"3", []any{"--workers=4", "--drain=300s"}, "10Gi"},
		"gpu":   {"2", []any{"--workers=1", "--drain=300s", "--label=gpu,in-vpc"}, "100Gi"},
	} {
		o := all["Deployment prod-slipway-"+name]
		spec := at(t, o, "spec", "template", "spec")
		box := at(t, spec, "containers", 0)
		known(t, box)
		restricted(t, spec)
		const common = 4                                                                  // that servers have, too
		if diff := cmp.Diff(want.args, at(t, box, "args").([]any)[common:]); diff != "" { //nolint:forcetypeassert // the schema says so
			t.Errorf("%s: %s", name, diff)
		}
		if got := fmt.Sprint(at(t, o, "spec", "replicas")); got != want.replicas {
			t.Errorf("%s: %s replicas", name, got)
		}
		if got := at(t, spec, "volumes", 0, "emptyDir", "sizeLimit"); got != want.size {
			t.Errorf("%s: it has %v", name, got)
		}
		// The service of the servers does not send requests to it.
		chosen := at(t, all["Service prod-slipway"], "spec", "selector", "app.kubernetes.io/name")
		if at(t, o, "spec", "template", "metadata", "labels", "app.kubernetes.io/name") == chosen {
			t.Errorf("%s: it gets the requests to the servers", name)
		}
	}
	if got := at(t, all["Deployment prod-slipway-gpu"], "spec", "template", "spec", "nodeSelector", "accelerator"); got != "a100" {
		t.Errorf("it is on a node of %v", got)
	}
}

func TestTheChartRefusesWhatCannotWork(t *testing.T) {
	for set, want := range map[string]string{
		"replicas=2": "at '/database/url': minLength: got 0, want 1",
		"database.url=postgres://slipway:s3cret@db/slipway": "at '/database/url'",
		"existingPlatform=other":                            "'oneOf' failed",
		"platform=":                                         "'oneOf' failed",
		"image.repository=":                                 "at '/image/repository': minLength: got 0, want 1",
		"ingress.enabled=true":                              "at '/ingress/host': minLength: got 0, want 1",
		"secrets[0].ref=../token,secrets[0].name=a,secrets[0].key=b": "at '/secrets/0/ref'",
		"workerSets.gpu.replicas=1":                                  "at '/database/url': minLength: got 0, want 1",
		"workers=0":                                                  "at '/workerSets': minProperties: got 0, want 1",
		"workerSets.gpu.labels[0]=GPU":                               "at '/workerSets/gpu/labels/0'",
		"replica=1":                                                  "additional properties 'replica' not allowed",
	} {
		out, err := helm(t, "template", "prod", chart, "--values", values("one"), "--set", set)
		if err == nil || !strings.Contains(out, want) {
			t.Errorf("with %s: %v\n%s", set, err, out)
		}
	}
}
