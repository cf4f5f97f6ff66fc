package main

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"
)

// nameOf says which call of AWS's a request is: its operation, and for S3, which has
// none in it, the method with the key and what is asked about.
func nameOf(r *http.Request, body []byte) string {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		return target
	}
	if form, err := url.ParseQuery(string(body)); err == nil && form.Get("Action") != "" {
		return form.Get("Action")
	}
	name := r.Method + " " + r.URL.Path
	if q := r.URL.Query(); q.Get("list-type") != "" {
		name = "LIST " + r.URL.Path + " " + q.Get("prefix")
		if after := q.Get("start-after"); after != "" {
			name += " after " + after
		}
	}
	if condition := cmp.Or(r.Header.Get("If-Match"), r.Header.Get("If-None-Match")); condition != "" {
		name += " if " + strings.Trim(condition, `"`)
	}
	return name
}
