package awstest

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Reset makes a moto server forget all that it holds, in every service.
func Reset(t testing.TB, moto string) {
	t.Helper()
	Send(t, http.MethodPost, moto+"/moto-api/reset", "")
}

// Enforce makes a moto server enforce IAM policies from here to the end of the
// test: every call then needs the keys of a user or a role that the test has made,
// with a policy that allows it.
func Enforce(t testing.TB, moto string) {
	t.Helper()
	Send(t, http.MethodPost, moto+"/moto-api/reset-auth", "0")
	t.Cleanup(func() { send(t, http.MethodPost, moto+"/moto-api/reset-auth", "inf") })
}

// Hold makes runs of Glue jobs stay in each state for so many looks at them; moto's
// own way is that they have succeeded at the first.
func Hold(t testing.TB, moto, looks string) {
	t.Helper()
	set := func(transition string) {
		send(t, http.MethodPost, moto+"/moto-api/state-manager/set-transition", `{"model_name":"glue::job_run","transition":`+transition+`}`)
	}
	set(`{"progression":"manual","times":` + looks + `}`)
	t.Cleanup(func() { set(`{"progression":"immediate"}`) })
}

// Bucket makes an S3 bucket and returns the address under which package
// repository/bucket opens it.
func Bucket(t testing.TB, moto, name string) string {
	t.Helper()
	Send(t, http.MethodPut, moto+"/"+name, "")
	return BucketAddress(name, moto)
}

// BucketAddress returns the address of a bucket, or of "bucket/prefix", at an
// endpoint.
func BucketAddress(path, endpoint string) string {
	return "s3://" + path + "?region=" + Region + "&use_path_style=true&endpoint=" + url.QueryEscape(endpoint)
}

// Keys lists what an S3 bucket holds, in order.
func Keys(t testing.TB, moto, bucket string) []string {
	t.Helper()
	var listed struct {
		Contents    []struct{ Key string }
		IsTruncated bool
	}
	if err := xml.Unmarshal(Send(t, http.MethodGet, moto+"/"+bucket+"?list-type=2&max-keys=1000", ""), &listed); err != nil {
		t.Fatal(err)
	}
	if listed.IsTruncated {
		t.Fatalf("the bucket %s holds more objects than a test should make", bucket)
	}
	keys := []string{}
	for _, object := range listed.Contents {
		keys = append(keys, object.Key)
	}
	return keys
}

// Send sends a request behind the back of what is tested, and returns the answer's
// body; an answer that tells a failure ends the test.
func Send(t testing.TB, method, url, body string) []byte {
	t.Helper()
	answer, status := send(t, method, url, body)
	if status >= http.StatusMultipleChoices {
		t.Fatalf("%s %s: %d: %s", method, url, status, answer)
	}
	return answer
}

func send(t testing.TB, method, url, body string) (answer []byte, status int) {
	t.Helper()
	request, err := http.NewRequest(method, url, strings.NewReader(body)) //nolint:noctx // a test's context has ended when it cleans up
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/"+Region+"/s3/aws4_request, SignedHeaders=host, Signature=x")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, response.StatusCode
}
