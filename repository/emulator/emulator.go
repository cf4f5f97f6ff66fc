// Package emulator has object stores for tests that nobody here wrote: GCS is
// fake-gcs-server, Azurite is Microsoft's own. A Proxy before them loses answers.
package emulator

import (
	"bufio"
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway-cd/slipway/scripts"
)

// The account that Azurite knows, and its key, which are the same for everybody.
const (
	Account    = "devstoreaccount1"
	AccountKey = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

// GCS returns the URL of a Google Cloud Storage, which is started once for all tests
// of a package and ends with them. Where it cannot be had the test is skipped, but
// never in CI.
func GCS(t testing.TB) string {
	t.Helper()
	return running(t, "no Google Cloud Storage to test with", gcs)
}

// Azurite returns the URL of an Azure Blob Storage without the account, as GCS does.
func Azurite(t testing.TB) string {
	t.Helper()
	return running(t, "no Azure Blob Storage to test with", azurite)
}

// SecureAzurite returns the URL of one with TLS, which takes tokens of Entra ID, and
// looks at their claims, but not at their signature.
func SecureAzurite(t testing.TB) string {
	t.Helper()
	return running(t, "no Azure Blob Storage to test with", secureAzurite)
}

// Bucket makes a bucket at a Google Cloud Storage.
func Bucket(t testing.TB, gcs, name string) {
	t.Helper()
	Google(t, gcs, http.MethodPost, "/storage/v1/b", "application/json", `{"name":"`+name+`"}`)
}

// Container makes a container in the account of an Azure Blob Storage.
func Container(t testing.TB, azurite, name string) {
	t.Helper()
	Azure(t, azurite, http.MethodPut, name, "", "restype:container")
}

// Azure sends a request to an Azure Blob Storage, as somebody does who knows the
// account's key and nothing of Slipway. What is asked are queries, as name:value.
func Azure(t testing.TB, azurite, method, path, body string, asked ...string) {
	t.Helper()
	at := "/" + Account + "/" + path
	query := strings.ReplaceAll(strings.Join(asked, "&"), ":", "=")
	request, err := http.NewRequestWithContext(t.Context(), method, azurite+at+"?"+query, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	date := time.Now().UTC().Format(http.TimeFormat) //nolint:forbidigo // the emulator has no other clock
	own, length := "", ""
	if body != "" {
		own, length = "x-ms-blob-type:BlockBlob\n", strconv.Itoa(len(body))
		request.Header.Set("X-Ms-Blob-Type", "BlockBlob")
	}
	request.Header.Set("X-Ms-Date", date)
	request.Header.Set("X-Ms-Version", "2023-11-03")
	key, err := base64.StdEncoding.DecodeString(AccountKey)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s\n\n\n%s%s%sx-ms-date:%s\nx-ms-version:2023-11-03\n/%s%s", method, length, strings.Repeat("\n", 9), own, date, Account, at)
	for _, a := range asked {
		fmt.Fprintf(mac, "\n%s", a)
	}
	request.Header.Set("Authorization", "SharedKey "+Account+":"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	do(t, request, Trusting(""))
}

// Google sends a request to a Google Cloud Storage, as somebody does who knows nothing
// of Slipway.
func Google(t testing.TB, gcs, method, path, kind, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, gcs+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", kind)
	do(t, request, http.DefaultTransport)
}

func do(t testing.TB, request *http.Request, by http.RoundTripper) {
	t.Helper()
	response, err := by.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode >= http.StatusMultipleChoices {
		said, _ := io.ReadAll(response.Body)
		t.Fatalf("%s %s: %s: %s", request.Method, request.URL, response.Status, said)
	}
}

// Trusting returns a transport that takes SecureAzurite for whom it says it is, and
// connects to an address, whatever name is asked for; if it is empty, to that name.
func Trusting(address string) *http.Transport {
	dial := &net.Dialer{}
	return &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // it made its certificate itself
		DialContext: func(ctx context.Context, network, name string) (net.Conn, error) {
			return dial.DialContext(ctx, network, cmp.Or(address, name))
		},
		DisableCompression: true,
	}
}

func running(t testing.TB, what string, start func() (*server, error)) string {
	t.Helper()
	s, err := start()
	switch missing := (*scripts.Error)(nil); {
	case err == nil:
		return s.url
	case !errors.As(err, &missing), os.Getenv("CI") != "": //nolint:forbidigo // a helper of tests, which CI tells this way
		t.Fatalf("%s: %v", what, err)
	default:
		t.Skipf("SKIPPED: %s: %v", what, err)
	}
	return ""
}

//nolint:gochecknoglobals // once for all tests of a package
var (
	gcs           = sync.OnceValues(startGCS)
	azurite       = sync.OnceValues(func() (*server, error) { return startAzurite() })
	secureAzurite = sync.OnceValues(startSecureAzurite)
)

// A server ends when its input does, with this process at the latest, so that nobody
// has to stop it.
type server struct {
	url    string
	input  io.WriteCloser
	output *bufio.Scanner
}

func startGCS() (*server, error) {
	program, err := scripts.Run("fakegcs.sh")
	if err != nil {
		return nil, err
	}
	return start(exec.Command(program), "")
}

func startAzurite(args ...string) (*server, error) {
	folder, err := scripts.Run("azurite.sh")
	if err != nil {
		return nil, err
	}
	root, err := scripts.Root()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("node", append([]string{
		filepath.Join(root, "repository/emulator/testdata/azurite.js"), folder,
		"--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence", "--disableTelemetry", "--silent",
	}, args...)...)
	return start(cmd, "successfully listens on ")
}

func startSecureAzurite() (*server, error) {
	folder, err := os.MkdirTemp("", "slipway-azurite-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder) // it has read them when it answers
	certificate, key := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	if err := writeCertificate(certificate, key); err != nil {
		return nil, err
	}
	return startAzurite("--oauth", "basic", "--cert", certificate, "--key", key)
}

// start returns a server once it says its URL, in the first line with mark in it.
func start(cmd *exec.Cmd, mark string) (*server, error) {
	cmd.Stderr = os.Stderr
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		if _, at, ok := strings.Cut(lines.Text(), mark); ok && strings.HasPrefix(at, "http") {
			go func() { _, _ = io.Copy(io.Discard, output) }()
			return &server{at, input, lines}, nil
		}
	}
	return nil, fmt.Errorf("%s ended before it was ready", cmd.Path)
}

// writeCertificate makes a certificate for this machine.
func writeCertificate(certificate, key string) error {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	about := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, &about, &about, &private.PublicKey, private)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600),
	)
}

// Token returns a token of Entra ID for an audience, as SecureAzurite wants them.
func Token(audience string, now time.Time) string {
	part := func(v any) string {
		data, err := json.Marshal(v)
		if err != nil {
			panic(err) // it is of the values below
		}
		return base64.RawURLEncoding.EncodeToString(data)
	}
	const tenant = "11111111-2222-3333-4444-555555555555"
	return part(map[string]any{"alg": "RS256", "typ": "JWT"}) + "." + part(map[string]any{
		"aud": audience, "iss": "https://sts.windows.net/" + tenant + "/", "tid": tenant, "oid": tenant, "ver": "1.0",
		"iat": now.Add(-time.Hour).Unix(), "nbf": now.Add(-time.Hour).Unix(), "exp": now.Add(time.Hour).Unix(),
	}) + "." + part("signature")
}
