package bucket_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/awsauth"
	"github.com/slipway-cd/slipway/awsauth/awstest"
	"github.com/slipway-cd/slipway/repository/bucket"
	"github.com/slipway-cd/slipway/repository/repositorytest"
)

// through returns the address of a bucket behind a proxy that loses the answer
// of the nth write, which has acted.
func through(t *testing.T, moto, name string, nth int64) string {
	t.Helper()
	address := awstest.Bucket(t, moto, name)
	target, err := url.Parse(moto)
	if err != nil {
		t.Fatal(err)
	}
	var writes atomic.Int64
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ModifyResponse = func(r *http.Response) error {
		if r.Request.Method == http.MethodPut && writes.Add(1) == nth {
			_ = r.Body.Close()
			return errors.New("the answer is lost")
		}
		return nil
	}
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) {
		connection, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = connection.Close()
		}
	}
	front := httptest.NewServer(proxy)
	t.Cleanup(front.Close)
	return strings.Replace(address, url.QueryEscape(moto), url.QueryEscape(front.URL), 1)
}

func TestAWriteWhoseAnswerIsLost(t *testing.T) {
	moto := awstest.Moto(t)
	t.Run("put", func(t *testing.T) {
		r := open(t, through(t, moto, "lost-put", 1))
		if _, err := r.Put(t.Context(), "a/b", strings.NewReader("x")); err != nil {
			t.Error(err)
		}
	})
	t.Run("swap", func(t *testing.T) {
		r := open(t, through(t, moto, "lost-swap", 2))
		first, err := r.Swap(t.Context(), "a/b", "", []byte("one"))
		if err != nil {
			t.Fatal(err)
		}
		second, err := r.Swap(t.Context(), "a/b", first, []byte("two"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Swap(t.Context(), "a/b", second, []byte("three")); err != nil {
			t.Error(err)
		}
	})
	t.Run("the first swap", func(t *testing.T) {
		r := open(t, through(t, moto, "lost-first-swap", 1))
		version, err := r.Swap(t.Context(), "a/b", "", []byte("one"))
		if err != nil {
			t.Fatal(err)
		}
		if _, got, err := r.Read(t.Context(), "a/b"); err != nil || got != version {
			t.Errorf("Read gives version %q, %v, want %q", got, err, version)
		}
	})
}

// version is what a swap of these tests is to replace.
const version = ""

// The answers are those of S3, as its documentation of errors has them.
func TestWhatTheStoreRefuses(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	tests := []struct {
		name, call, code, message string
		status                    int
		want, fix                 string
	}{
		{
			"no permission to write", "Put", "AccessDenied", "User: ann is not authorized", 403,
			"cannot write s3://b/team/a/k: access is denied: User: ann is not authorized",
			"give these credentials s3:PutObject on arn:aws:s3:::b/team/*",
		},
		{
			"no permission to swap", "Swap", "AccessDenied", "User: ann is not authorized", 403,
			"cannot write s3://b/team/a/k: access is denied: User: ann is not authorized",
			"give these credentials s3:PutObject on arn:aws:s3:::b/team/*",
		},
		{
			"no permission to read", "Read", "AccessDenied", "Access Denied", 403,
			"cannot read s3://b/team/a/k: access is denied: Access Denied",
			"give these credentials s3:GetObject on arn:aws:s3:::b/team/*, and s3:ListBucket on arn:aws:s3:::b, without which S3 does not say what is missing",
		},
		{
			"no permission to look", "Stat", "", "", 403,
			"cannot read s3://b/team/a/k: access is denied: Forbidden",
			"give these credentials s3:GetObject on arn:aws:s3:::b/team/*, and s3:ListBucket on arn:aws:s3:::b, without which S3 does not say what is missing",
		},
		{
			"no permission to list", "List", "AccessDenied", "Access Denied", 403,
			"cannot list s3://b/team: access is denied: Access Denied",
			"give these credentials s3:ListBucket on arn:aws:s3:::b",
		},
		{
			"no bucket", "Open", "NoSuchBucket", "The specified bucket does not exist", 404,
			"cannot read s3://b/team/a/k: there is no such bucket: The specified bucket does not exist",
			"make the bucket b, or correct the environment's repository",
		},
		{
			"no bucket to write to", "Put", "NoSuchBucket", "The specified bucket does not exist", 404,
			"cannot write s3://b/team/a/k: there is no such bucket: The specified bucket does not exist",
			"make the bucket b, or correct the environment's repository",
		},
		{
			"no permission to use the key", "Put", "AccessDenied", "User: ann is not authorized to perform: kms:GenerateDataKey on resource: k", 403,
			"cannot write s3://b/team/a/k: access is denied: User: ann is not authorized to perform: kms:GenerateDataKey on resource: k",
			"give these credentials kms:GenerateDataKey on the key that encrypts the bucket",
		},
		{
			"credentials that ended", "Put", "ExpiredToken", "The provided token has expired.", 400,
			"cannot write s3://b/team/a/k: the credentials are refused (ExpiredToken): The provided token has expired.",
			"sign in to AWS again, or correct the credentials; `aws sts get-caller-identity` shows whether they are good",
		},
		{
			"credentials nobody knows", "List", "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", 403,
			"cannot list s3://b/team: the credentials are refused (InvalidAccessKeyId): The AWS Access Key Id you provided does not exist in our records.",
			"sign in to AWS again",
		},
		{
			"another region", "Open", "PermanentRedirect", "The bucket you are attempting to access must be addressed using the specified endpoint.", 301,
			"cannot read s3://b/team/a/k: the bucket is in another region: The bucket you are attempting to access must be addressed using the specified endpoint.",
			"write its region into the address, as in s3://b?region=eu-central-1",
		},
		{
			"too large", "Put", "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size", 400,
			"cannot write s3://b/team/a/k: the object is larger than one request may be: Your proposed upload exceeds the maximum allowed size",
			"keep artifacts below 5 GB",
		},
		{
			"always another write", "Put", "ConditionalRequestConflict", "The conditional request cannot succeed", 409,
			"cannot write s3://b/team/a/k: others write the same object all the time: The conditional request cannot succeed",
			"call again",
		},
		{
			"no conditional writes", "Put", "NotImplemented", "A header you provided implies functionality that is not implemented", 501,
			"cannot write s3://b/team/a/k: the store does not know conditional writes: A header you provided implies functionality that is not implemented",
			"use a store that does, such as S3 or a newer version of this one",
		},
		{
			"something else", "Put", "TeaTime", "Call back later", 418,
			"cannot write s3://b/team/a/k: the store answers TeaTime: Call back later",
			"call again; if it stays so, ask those who run the store",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/xml")
				w.WriteHeader(tt.status)
				fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", tt.code, tt.message)
			}))
			t.Cleanup(store.Close)
			repositorytest.WantUnavailable(t, repositorytest.Call(t, open(t, awstest.BucketAddress("b/team", store.URL)), tt.call, version), tt.want, tt.fix)
		})
	}
}

func TestMissingBucketOnRealAnswers(t *testing.T) {
	moto := awstest.Moto(t)
	r := open(t, awstest.BucketAddress("never-made", moto))
	for _, method := range []string{"Put", "Swap", "Read", "Open", "List"} {
		if err := repositorytest.Call(t, r, method, version); slipway.KindOf(err) != slipway.Unavailable || !strings.Contains(err.Error(), "there is no such bucket") {
			t.Errorf("%s gives %v", method, err)
		}
	}
}

func TestNoCredentials(t *testing.T) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_WEB_IDENTITY_TOKEN_FILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	r := open(t, "s3://b?region=us-east-1")
	const fix = "sign in (`aws sso login`), name a profile in AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
	repositorytest.WantUnavailable(t, repositorytest.Call(t, r, "Put", version), "cannot write s3://b/a/k: there are no AWS credentials", fix)
	repositorytest.WantUnavailable(t, repositorytest.Call(t, r, "List", version), "cannot list s3://b: there are no AWS credentials", fix)

	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	_, err := bucket.Open(t.Context(), "s3://b", awsauth.Options{}.OpenFor)
	repositorytest.WantUnavailable(t, err, "open s3://b: no AWS region is known", "write `region:` into the environment in platform.yaml, or set AWS_REGION")
}

func TestUnreachable(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	closed := httptest.NewServer(nil)
	closed.Close()
	repositorytest.WantUnavailable(t, repositorytest.Call(t, open(t, awstest.BucketAddress("b", closed.URL)), "Put", version),
		"cannot write s3://b/a/k: the store cannot be reached: dial tcp "+strings.TrimPrefix(closed.URL, "http://")+": connect: connection refused",
		"see that this machine is connected and that the endpoint is right, then call again")
}

func TestAConnectionThatBreaksOff(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, "half")
	}))
	t.Cleanup(store.Close)
	body, err := open(t, awstest.BucketAddress("b", store.URL)).Open(t.Context(), "a/k")
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	_, err = io.ReadAll(body)
	repositorytest.WantUnavailable(t, err, "cannot read s3://b/a/k: the connection broke off", "call again")
}

func TestAddresses(t *testing.T) {
	const fix = "write it as s3://bucket/prefix?region=eu-central-1"
	for address, want := range map[string]string{
		"gs://b":                           `"gs://b" cannot be the address of an artifact repository: it does not begin with s3://`,
		"b/c":                              `"b/c" cannot be the address of an artifact repository: it does not begin with s3://`,
		"s3://":                            `"s3://" cannot be the address of an artifact repository: it names no bucket`,
		"s3:///x":                          `"s3:///x" cannot be the address of an artifact repository: it names no bucket`,
		"s3://b/a//c":                      `"s3://b/a//c" cannot be the address of an artifact repository: "a//c" cannot be a key`,
		"s3://b?reqion=x":                  `"s3://b?reqion=x" cannot be the address of an artifact repository: unknown query parameter "reqion"`,
		"s3://b?region=x&use_path_style=y": `"s3://b?region=x&use_path_style=y" cannot be the address of an artifact repository: use_path_style is true or false, not "y"`,
		"s3://b?region=x&tagging=maybe":    `"s3://b?region=x&tagging=maybe" cannot be the address of an artifact repository: tagging is true or false, not "maybe"`,
		"s3://%zz":                         `"s3://%zz" cannot be the address of an artifact repository: it is no URL`,
	} {
		_, err := bucket.Open(t.Context(), address, awsauth.Options{}.OpenFor)
		repositorytest.WantError(t, err, slipway.Invalid, want, fix)
	}
}

// Where an environment is another account, nothing is asked of the bucket.
func TestTheWrongAccount(t *testing.T) {
	awstest.NewSTS(t, awstest.STSConfig{Clock: time.Now, Callers: map[string]string{"AKIAANN": "arn:aws:iam::123456789012:user/ann"}})
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAANN")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	asked := 0
	store := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	t.Cleanup(store.Close)
	r, err := bucket.Open(t.Context(), awstest.BucketAddress("b", store.URL), awsauth.Options{Environment: "prod", Account: "210987654321"}.OpenFor)
	if err != nil {
		t.Fatal(err)
	}
	for method, doing := range map[string]string{"Put": "write", "Read": "read", "Stat": "read"} {
		repositorytest.WantUnavailable(t, repositorytest.Call(t, r, method, version), "cannot "+doing+" s3://b/a/k: these credentials are for account 123456789012 "+
			"(arn:aws:iam::123456789012:user/ann), environment prod is account 210987654321", "sign in to account 210987654321")
	}
	if asked != 0 {
		t.Errorf("the bucket was asked %d times", asked)
	}
}

func TestNoPermissionToTag(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("X-Amz-Tagging"); got != "slipway%3Aapp=a" {
			t.Errorf("the tags are %q", got)
		}
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>")
	}))
	t.Cleanup(store.Close)
	repositorytest.WantUnavailable(t, repositorytest.Call(t, open(t, awstest.BucketAddress("b", store.URL)+"&tagging=true"), "Put", version),
		"cannot write s3://b/a/k: access is denied: no",
		"give these credentials s3:PutObject and s3:PutObjectTagging on arn:aws:s3:::b/*, or take tagging=true out of the repository's address")
}
