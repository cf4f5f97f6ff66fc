package azure

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sharedKey signs a request with the account's key.
func sharedKey(account string, key []byte, clock func() time.Time) func(*http.Request) error {
	return func(r *http.Request) error {
		r.Header.Set("X-Ms-Date", clock().UTC().Format(http.TimeFormat))
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(toSign(r, account)))
		r.Header.Set("Authorization", "SharedKey "+account+":"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		return nil
	}
}

// toSign is what of a request is signed: the method, some headers, those that begin
// with x-ms-, and what is asked for, each sorted.
func toSign(r *http.Request, account string) string {
	length := ""
	if r.ContentLength > 0 {
		length = strconv.FormatInt(r.ContentLength, 10)
	}
	lines := []string{r.Method}
	for _, name := range []string{
		"Content-Encoding", "Content-Language", "Content-Length", "Content-Md5", "Content-Type", "Date",
		"If-Modified-Since", "If-Match", "If-None-Match", "If-Unmodified-Since", "Range",
	} {
		value := r.Header.Get(name)
		if name == "Content-Length" {
			value = length
		}
		lines = append(lines, value)
	}
	var own []string
	for name, values := range r.Header {
		if name := strings.ToLower(name); strings.HasPrefix(name, "x-ms-") {
			own = append(own, name+":"+strings.Join(values, ","))
		}
	}
	slices.Sort(own)
	var asked []string
	for name, values := range r.URL.Query() {
		asked = append(asked, strings.ToLower(name)+":"+strings.Join(slices.Sorted(slices.Values(values)), ","))
	}
	slices.Sort(asked)
	lines = append(lines, own...)
	lines = append(lines, "/"+account+r.URL.EscapedPath())
	return strings.Join(append(lines, asked...), "\n")
}
