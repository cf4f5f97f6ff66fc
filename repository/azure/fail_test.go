package azure_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/repository/azure"
	"github.com/slipway-cd/slipway/repository/emulator"
	"github.com/slipway-cd/slipway/repository/repositorytest"
)

// version is what a swap of these tests is to replace.
const version = `"1"`

// The answers are those of Azure, as its documentation of errors has them.
func TestWhatTheStoreRefuses(t *testing.T) {
	const (
		container = "make the container c in the account devstoreaccount1, or correct the environment's repository"
		signIn    = "sign in to Azure again (`az login`), or correct AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN"
		network   = "have whoever keeps the account devstoreaccount1 let this network in (its firewall, or a private endpoint)"
		ask       = "call again; if it stays so, ask those who run the store"
	)
	permit := func(permission, role string) string {
		return "give these credentials blobs/" + permission + " on the container c, which is in the role Storage Blob Data " + role
	}
	tests := []struct {
		call, code string
		status     int
		want, fix  string
	}{
		{"Put", "AuthorizationPermissionMismatch", 403, "cannot write azblob://c/team/a/k: access is denied: as it says", permit("write", "Contributor")},
		{"Swap", "AuthorizationPermissionMismatch", 403, "cannot write azblob://c/team/a/k: access is denied: as it says", permit("write", "Contributor")},
		{"Read", "AuthorizationPermissionMismatch", 403, "cannot read azblob://c/team/a/k: access is denied: as it says", permit("read", "Reader")},
		{"Stat", "AuthorizationPermissionMismatch", 403, "cannot read azblob://c/team/a/k: access is denied", permit("read", "Reader")},
		{"List", "AuthorizationPermissionMismatch", 403, "cannot list azblob://c/team: access is denied: as it says", permit("read", "Reader")},
		{"Put", "AuthorizationFailure", 403, "cannot write azblob://c/team/a/k: access is denied from here: as it says", network},
		{"Open", "ContainerNotFound", 404, "cannot read azblob://c/team/a/k: there is no such container: as it says", container},
		{"Put", "ContainerNotFound", 404, "cannot write azblob://c/team/a/k: there is no such container: as it says", container},
		{"List", "ContainerNotFound", 404, "cannot list azblob://c/team: there is no such container: as it says", container},
		{"Put", "AuthenticationFailed", 403, "cannot write azblob://c/team/a/k: the credentials are refused: as it says", signIn},
		{"List", "InvalidAuthenticationInfo", 401, "cannot list azblob://c/team: the credentials are refused: as it says", signIn},
		{"Put", "KeyBasedAuthenticationNotPermitted", 403, "cannot write azblob://c/team/a/k: the account takes no key: as it says", "take AZURE_STORAGE_KEY away, and sign in to Azure (`az login`)"},
		{"Put", "RequestBodyTooLarge", 413, "cannot write azblob://c/team/a/k: the object is larger than one request may be: as it says", "keep artifacts below 5,000 MiB"},
		{"Put", "Md5Mismatch", 400, "cannot write azblob://c/team/a/k: other bytes arrived than were sent: as it says", "call again"},
		{"Swap", "BlobImmutableDueToPolicy", 409, "cannot write azblob://c/team/a/k: the container lets nothing be replaced: as it says", "take lease.json, lease-clock.json, authority.json and ledger-head.json out of its policy of immutability"},
		{"Put", "ServerBusy", 503, "cannot write azblob://c/team/a/k: it is asked too often, or too busy: as it says", "call again"},
		{"Put", "TeaTime", 418, "cannot write azblob://c/team/a/k: the store answers TeaTime: as it says", ask},
		{"Put", "", 418, "cannot write azblob://c/team/a/k: the store answers I'm a teapot: as it says", ask},
	}
	for _, tt := range tests {
		t.Run(tt.call+" "+tt.code, func(t *testing.T) {
			store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if tt.code != "" {
					w.Header().Set("x-ms-error-code", tt.code)
				}
				w.WriteHeader(tt.status)
				fmt.Fprintf(w, "\ufeff<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>%s</Code><Message>as it says\nRequestId:1\nTime:2</Message></Error>", tt.code)
			}))
			t.Cleanup(store.Close)
			repositorytest.WantUnavailable(t, repositorytest.Call(t, open(t, at("c/team", store.URL)), tt.call, version), tt.want, tt.fix)
		})
	}
}

func TestMissingContainerOnRealAnswers(t *testing.T) {
	store := emulator.Azurite(t)
	r := open(t, at("never-made", store))
	for _, method := range []string{"Put", "Swap", "Read", "Open", "List"} {
		if err := repositorytest.Call(t, r, method, version); slipway.KindOf(err) != slipway.Unavailable || !strings.Contains(err.Error(), "there is no such container") {
			t.Errorf("%s gives %v", method, err)
		}
	}
}

func TestTheWrongKey(t *testing.T) {
	store := emulator.Azurite(t)
	emulator.Container(t, store, "wrong-key")
	r, err := azure.Open(at("wrong-key", store), azure.Config{Account: emulator.Account, Key: "b3RoZXI=", Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	repositorytest.WantUnavailable(t, repositorytest.Call(t, r, "Put", version), "cannot write azblob://wrong-key/a/k: the credentials are refused: Server failed to authenticate the request.",
		"sign in to Azure again (`az login`), or correct AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN")
}

// What is wrong on the way is found by the store, which checks the sum.
func TestBytesThatAreDamagedOnTheWay(t *testing.T) {
	store := emulator.Azurite(t)
	emulator.Container(t, store, "damaged")
	r, err := azure.Open(at("damaged", store), azure.Config{
		Account: emulator.Account, Key: emulator.AccountKey, Clock: time.Now, Transport: damaging{},
	})
	if err != nil {
		t.Fatal(err)
	}
	repositorytest.WantUnavailable(t, repositorytest.Call(t, r, "Put", version), "cannot write azblob://damaged/a/k: other bytes arrived than were sent", "call again")
}

type damaging struct{}

func (damaging) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Body = io.NopCloser(strings.NewReader("y"))
	return http.DefaultTransport.RoundTrip(r)
}

func TestUnreachable(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	repositorytest.WantUnavailable(t, repositorytest.Call(t, open(t, at("c", closed.URL)), "Put", version),
		"cannot write azblob://c/a/k: the store cannot be reached: dial tcp "+strings.TrimPrefix(closed.URL, "http://")+": connect: connection refused",
		"see that this machine is connected and that the address is right, then call again")
}

func TestAnAnswerThatIsNone(t *testing.T) {
	for _, said := range []string{"{}", "<EnumerationResults><Blobs><Blob><Name>x</Name></Blob></Blobs></EnumerationResults>"} {
		store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, said) }))
		t.Cleanup(store.Close)
		repositorytest.WantUnavailable(t, repositorytest.Call(t, open(t, at("c", store.URL)), "List", version), "cannot list azblob://c: the store's answer cannot be read: ", "call again")
	}
}

func TestAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"gs://c":                        "it does not begin with azblob://",
		"azblob://":                     "it names no container",
		"azblob:///x":                   "it names no container",
		"azblob://c/a//c":               `"a//c" cannot be a key`,
		"azblob://c?acount=x":           `unknown query parameter "acount"`,
		"azblob://c":                    "it names no account, and neither does AZURE_STORAGE_ACCOUNT",
		"azblob://c?storage_account=x!": `"x!" is no name of an account`,
		"azblob://c?endpoint=x":         `endpoint is no URL: "x"`,
		"azblob://%zz":                  "it is no URL",
	} {
		_, err := azure.Open(address, azure.Config{})
		want = fmt.Sprintf("%q cannot be the address of an artifact repository: %s", address, want)
		if err == nil || slipway.KindOf(err) != slipway.Invalid || !strings.HasPrefix(err.Error(), want) ||
			slipway.FixOf(err) != "write it as azblob://container/prefix?storage_account=NAME" {
			t.Errorf("got %v, fix %q\nwant %s", err, slipway.FixOf(err), want)
		}
	}
	for want, c := range map[string]azure.Config{
		"AZURE_STORAGE_KEY is no key of an account: it is not in base64": {Account: "team", Key: "?"},
		"AZURE_STORAGE_SAS_TOKEN is no shared access signature":          {Account: "team", SAS: "%zz"},
	} {
		if _, err := azure.Open("azblob://c", c); err == nil || err.Error() != want || slipway.KindOf(err) != slipway.Invalid {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// A heard store notes where requests go, and who asks.
type heard struct{ at, who, sig []string }

func (h *heard) RoundTrip(r *http.Request) (*http.Response, error) {
	h.at = append(h.at, r.URL.Scheme+"://"+r.URL.Host+r.URL.Path)
	who, _, _ := strings.Cut(r.Header.Get("Authorization"), ":")
	h.who = append(h.who, who)
	h.sig = append(h.sig, r.URL.Query().Get("sig"))
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("<EnumerationResults/>"))}, nil
}

func TestWhoGetsWhat(t *testing.T) {
	const team = "azblob://c?storage_account=team"
	other := func(endpoint string) string { return team + "&endpoint=" + url.QueryEscape(endpoint) }
	for _, tt := range []struct {
		address      string
		config       azure.Config
		at, who, sig string
	}{
		{team, azure.Config{}, "https://team.blob.core.windows.net/c", "Bearer token", ""},
		{"azblob://c", azure.Config{Account: "others"}, "https://others.blob.core.windows.net/c", "Bearer token", ""},
		{team + "&domain=blob.core.chinacloudapi.cn", azure.Config{}, "https://team.blob.core.chinacloudapi.cn/c", "Bearer token", ""},
		{other("https://team.z12.blob.storage.azure.net"), azure.Config{}, "https://team.z12.blob.storage.azure.net/c", "Bearer token", ""},
		{team, azure.Config{Key: "a2V5"}, "https://team.blob.core.windows.net/c", "SharedKey team", ""},
		{team, azure.Config{Key: "a2V5", SAS: "?sv=1&sig=x"}, "https://team.blob.core.windows.net/c", "", "x"},
		{other("http://team.blob.core.windows.net/"), azure.Config{}, "http://team.blob.core.windows.net/c", "", ""},
		{other("https://blob.core.windows.net.example.com"), azure.Config{}, "https://blob.core.windows.net.example.com/c", "", ""},
		{other("https://example.com/team"), azure.Config{SAS: "sig=x"}, "https://example.com/team/c", "", ""},
		{other("https://example.com/team"), azure.Config{Key: "a2V5"}, "https://example.com/team/c", "SharedKey team", ""},
	} {
		h := &heard{}
		tt.config.Transport, tt.config.Clock = h, time.Now
		tt.config.Token = func(context.Context) (string, error) { return "token", nil }
		r, err := azure.Open(tt.address, tt.config)
		if err != nil {
			t.Fatal(err)
		}
		if err := repositorytest.Call(t, r, "List", version); err != nil {
			t.Error(err)
		}
		if len(h.at) != 1 || h.at[0] != tt.at || h.who[0] != tt.who || h.sig[0] != tt.sig {
			t.Errorf("%s: asked %s as %q with %q", tt.address, h.at, h.who, h.sig)
		}
	}
}

func TestNoCredentials(t *testing.T) {
	none := slipway.Errorf(slipway.Unavailable, "there are no credentials").WithFix("sign in")
	r, err := azure.Open("azblob://c", azure.Config{Account: "team", Transport: &heard{}, Token: func(context.Context) (string, error) { return "", none }})
	if err != nil {
		t.Fatal(err)
	}
	repositorytest.WantUnavailable(t, repositorytest.Call(t, r, "Put", version), "cannot write azblob://c/a/k: there are no credentials", "sign in")
}
