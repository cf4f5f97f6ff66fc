package gcs_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/repository/gcs"
	"github.com/slipway-cd/slipway/repository/repositorytest"
	"github.com/slipway-cd/slipway/repository/rest"
)

// version is what a swap of these tests is to replace.
const version = "1"

// The answers are those of Google's own store, as its documentation has them.
func TestWhatTheStoreRefuses(t *testing.T) {
	const denied = "ann@example.com does not have %s access to the Google Cloud Storage object. Permission '%[1]s' denied on resource (or it may not exist)."
	say := func(permission string) string { return fmt.Sprintf(denied, permission) }
	tests := []struct {
		name, call, message string
		status              int
		want, fix           string
	}{
		{
			"no permission to write", "Put", say("storage.objects.create"), 403,
			"cannot write gs://b/team/a/k: access is denied: ann@example.com does not have storage.objects.create access",
			"give these credentials storage.objects.create on the bucket b, which is in roles/storage.objectCreator",
		},
		{
			"no permission to replace", "Swap", say("storage.objects.delete"), 403,
			"cannot write gs://b/team/a/k: access is denied: ann",
			"give these credentials storage.objects.delete on the bucket b, which is in roles/storage.objectUser",
		},
		{
			"no permission to read", "Read", say("storage.objects.get"), 403,
			"cannot read gs://b/team/a/k: access is denied: ann",
			"give these credentials storage.objects.get on the bucket b, which is in roles/storage.objectViewer",
		},
		{
			"no permission, and no word which", "Stat", "Forbidden", 403,
			"cannot read gs://b/team/a/k: access is denied: Forbidden",
			"give these credentials storage.objects.get on the bucket b, which is in roles/storage.objectViewer",
		},
		{
			"no permission to list", "List", say("storage.objects.list"), 403,
			"cannot list gs://b/team: access is denied: ann",
			"give these credentials storage.objects.list on the bucket b, which is in roles/storage.objectViewer",
		},
		{
			"no permission to use the key", "Put", "Permission 'cloudkms.cryptoKeyVersions.useToEncrypt' denied on resource 'k'", 403,
			"cannot write gs://b/team/a/k: access is denied: Permission 'cloudkms.cryptoKeyVersions.useToEncrypt' denied",
			"let the store's own service account use the key that encrypts the bucket: cloudkms.cryptoKeyVersions.useToEncrypt",
		},
		{
			"no bucket", "Open", "The specified bucket does not exist.", 404,
			"cannot read gs://b/team/a/k: there is no such bucket: The specified bucket does not exist.",
			"make the bucket b, or correct the environment's repository",
		},
		{
			"no bucket to list", "List", "Not Found", 404,
			"cannot list gs://b/team: there is no such bucket: Not Found",
			"make the bucket b, or correct the environment's repository",
		},
		{
			"no bucket to write to", "Put", "Not Found", 404,
			"cannot write gs://b/team/a/k: there is no such bucket: Not Found",
			"make the bucket b, or correct the environment's repository",
		},
		{
			"credentials that ended", "Put", "Invalid Credentials", 401,
			"cannot write gs://b/team/a/k: the credentials are refused: Invalid Credentials",
			"sign in to Google Cloud again (`gcloud auth application-default login`), or correct the credentials",
		},
		{
			"too large", "Put", "Too big", 413,
			"cannot write gs://b/team/a/k: the object is larger than one request may be: Too big",
			"keep artifacts below 5 TB",
		},
		{
			"damaged on the way", "Put", "Provided MD5 hash \"x\" doesn't match calculated MD5 hash \"y\".", 400,
			"cannot write gs://b/team/a/k: other bytes arrived than were sent: Provided MD5 hash",
			"call again",
		},
		{
			"something else", "Put", "Call back later", 418,
			"cannot write gs://b/team/a/k: the store answers I'm a teapot: Call back later",
			"call again; if it stays so, ask those who run the store",
		},
		{
			"another region", "Open", "", 301,
			"cannot read gs://b/team/a/k: the store answers Moved Permanently",
			"call again; if it stays so, ask those who run the store",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(tt.status)
				if r.URL.Query().Get("alt") == "media" {
					_, _ = io.WriteString(w, tt.message)
					return
				}
				fmt.Fprintf(w, `{"error":{"code":%d,"message":%q}}`, tt.status, tt.message)
			}))
			t.Cleanup(store.Close)
			repositorytest.WantUnavailable(t, repositorytest.Call(t, open(t, at("b/team", store.URL)), tt.call, version), tt.want, tt.fix)
		})
	}
}

func TestWhatIsNotThereOnRealAnswers(t *testing.T) {
	for message, call := range map[string]func(r *rest.Repository) error{
		"No such object: b/a/k": func(r *rest.Repository) error { return repositorytest.Call(t, r, "Stat", version) },
		"Not Found":             func(r *rest.Repository) error { return repositorytest.Call(t, r, "Open", version) },
	} {
		store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, message, http.StatusNotFound)
		}))
		t.Cleanup(store.Close)
		if err := call(open(t, at("b", store.URL))); slipway.KindOf(err) != slipway.NotFound || err.Error() != "there is no gs://b/a/k" {
			t.Errorf("%s: %v", message, err)
		}
	}
}

func TestUnreachable(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	repositorytest.WantUnavailable(t, repositorytest.Call(t, open(t, at("b", closed.URL)), "Put", version),
		"cannot write gs://b/a/k: the store cannot be reached: dial tcp "+strings.TrimPrefix(closed.URL, "http://")+": connect: connection refused",
		"see that this machine is connected and that the address is right, then call again")
}

func TestAnAnswerThatIsNone(t *testing.T) {
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }))
	t.Cleanup(store.Close)
	repositorytest.WantUnavailable(t, repositorytest.Call(t, open(t, at("b", store.URL)), "List", version),
		"cannot list gs://b: the store's answer cannot be read: invalid character '<'", "call again")
}

func TestAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"s3://b":                 "it does not begin with gs://",
		"gs://":                  "it names no bucket",
		"gs:///x":                "it names no bucket",
		"gs://b/a//c":            `"a//c" cannot be a key`,
		"gs://b?endpiont=x":      `unknown query parameter "endpiont"`,
		"gs://b?anonymous=maybe": `anonymous is true or false, not "maybe"`,
		"gs://b?endpoint=x":      `endpoint is no URL: "x"`,
		"gs://%zz":               "it is no URL",
	} {
		_, err := gcs.Open(address, gcs.Config{})
		want = fmt.Sprintf("%q cannot be the address of an artifact repository: %s", address, want)
		if err == nil || slipway.KindOf(err) != slipway.Invalid || !strings.HasPrefix(err.Error(), want) || slipway.FixOf(err) != "write it as gs://bucket/prefix" {
			t.Errorf("got %v, fix %q\nwant %s", err, slipway.FixOf(err), want)
		}
	}
}

// A heard store notes where requests go, and who asks.
type heard struct{ at, who []string }

func (h *heard) RoundTrip(r *http.Request) (*http.Response, error) {
	h.at = append(h.at, r.URL.Scheme+"://"+r.URL.Host)
	h.who = append(h.who, r.Header.Get("Authorization"))
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

func TestWhoGetsTheToken(t *testing.T) {
	for _, tt := range []struct{ address, emulator, at, who string }{
		{"gs://b", "", gcs.Google, "Bearer secret"},
		{"gs://b?anonymous=true", "", gcs.Google, ""},
		{"gs://b?endpoint=" + url.QueryEscape("https://storage-x.p.googleapis.com"), "localhost:1", "https://storage-x.p.googleapis.com", "Bearer secret"},
		{"gs://b?endpoint=" + url.QueryEscape("http://storage.googleapis.com"), "", "http://storage.googleapis.com", ""},
		{"gs://b?endpoint=" + url.QueryEscape("https://googleapis.com.example.com/"), "", "https://googleapis.com.example.com", ""},
		{"gs://b", "localhost:4443", "http://localhost:4443", ""},
		{"gs://b", "https://localhost:4443/", "https://localhost:4443", ""},
	} {
		h := &heard{}
		r, err := gcs.Open(tt.address, gcs.Config{
			Transport: h, Emulator: tt.emulator,
			Token: func(context.Context) (string, error) { return "secret", nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := repositorytest.Call(t, r, "List", version); err != nil {
			t.Error(err)
		}
		if len(h.at) != 1 || h.at[0] != tt.at || h.who[0] != tt.who {
			t.Errorf("%s, %s: asked %s as %q", tt.address, tt.emulator, h.at, h.who)
		}
	}
}

func TestNoCredentials(t *testing.T) {
	none := slipway.Errorf(slipway.Unavailable, "there are no credentials").WithFix("sign in")
	r, err := gcs.Open("gs://b", gcs.Config{Transport: &heard{}, Token: func(context.Context) (string, error) { return "", none }})
	if err != nil {
		t.Fatal(err)
	}
	repositorytest.WantUnavailable(t, repositorytest.Call(t, r, "Put", version), "cannot write gs://b/a/k: there are no credentials", "sign in")
}
