// Package gcs is an artifact repository in a bucket of Google Cloud Storage. Start at
// Open.
//
// It speaks the store's JSON API over plain HTTP. An object is written with one
// request that names the generation it replaces, or none, so that writers need no
// lock; its MD5 and CRC32C travel with it and are checked by the store.
package gcs

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/repository/rest"
)

// The names of metadata.
const (
	digestKey = "slipway-digest"
	swapKey   = "slipway-swap" // which call of Swap wrote the object
)

const pageSize = 1000

// A store is a bucket. It implements rest.Store.
type store struct {
	endpoint string
	bucket   string
	client   *rest.Client
}

var _ rest.Store = (*store)(nil)

// An object is what the store tells of one.
type object struct {
	Name        string            `json:"name,omitempty"`
	ContentType string            `json:"contentType,omitempty"`
	MD5         string            `json:"md5Hash,omitempty"`
	CRC32C      string            `json:"crc32c,omitempty"`
	Metadata    map[string]string `json:"metadata,omitempty"`

	Size       int64     `json:"size,string,omitempty"`
	Generation string    `json:"generation,omitempty"`
	Updated    time.Time `json:"updated,omitzero"`
}

func (o object) found() rest.Found {
	return rest.Found{
		Size: o.Size, Modified: o.Updated, Version: o.Generation, Sums: rest.Sums{MD5: o.MD5, CRC32C: o.CRC32C},
		Notes: rest.Notes{Digest: slipway.Digest(o.Metadata[digestKey]), Call: o.Metadata[swapKey]},
	}
}

// Write implements rest.Store.
func (s *store) Write(ctx context.Context, w rest.Write) (version string, err error) {
	generation := cmp.Or(w.Match, "0")
	if _, err := strconv.ParseUint(generation, 10, 63); err != nil || w.Match == "0" {
		return "", &rest.Refusal{Reason: rest.Moved, Why: "no object has the version " + w.Match}
	}
	about := object{Name: w.Name, ContentType: "application/octet-stream", MD5: w.Sums.MD5, CRC32C: w.Sums.CRC32C}
	about.Metadata = map[string]string{digestKey: string(w.Notes.Digest)}
	if w.Notes.Call != "" {
		about.Metadata[swapKey] = w.Notes.Call
	}
	deed := rest.Writing
	if w.Match != "" {
		deed = rest.Replacing
	}
	at := s.endpoint + "/upload/storage/v1/b/" + url.PathEscape(s.bucket) + "/o?" + url.Values{
		"uploadType": {"multipart"}, "ifGenerationMatch": {generation}, "fields": {"generation"},
	}.Encode()
	var written object
	err = s.ask(ctx, deed, &written, func() (*http.Request, error) { return upload(at, about, w) })
	return written.Generation, err
}

// upload makes the request that brings an object's description and its bytes.
func upload(at string, about object, w rest.Write) (*http.Request, error) {
	if _, err := w.Data.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	var head, tail bytes.Buffer
	form := multipart.NewWriter(&head)
	part, err := form.CreatePart(textproto.MIMEHeader{"Content-Type": {"application/json; charset=utf-8"}})
	if err != nil {
		return nil, err
	}
	if err := json.NewEncoder(part).Encode(about); err != nil {
		return nil, err
	}
	if _, err := form.CreatePart(textproto.MIMEHeader{"Content-Type": {about.ContentType}}); err != nil {
		return nil, err
	}
	fmt.Fprintf(&tail, "\r\n--%s--\r\n", form.Boundary())
	length := int64(head.Len()) + w.Size + int64(tail.Len())
	request, err := http.NewRequest(http.MethodPost, at, io.NopCloser(io.MultiReader(&head, w.Data, &tail)))
	if err != nil {
		return nil, err
	}
	request.ContentLength = length
	request.Header.Set("Content-Type", "multipart/related; boundary="+form.Boundary())
	return request, nil
}

// Open implements rest.Store.
func (s *store) Open(ctx context.Context, name string) (io.ReadCloser, rest.Found, error) {
	response, err := s.client.Do(ctx, rest.Reading, get(s.at(name)+"?alt=media"))
	if err != nil {
		return nil, rest.Found{}, err
	}
	found := rest.Found{Size: response.ContentLength, Version: response.Header.Get("X-Goog-Generation")}
	for _, sums := range response.Header.Values("X-Goog-Hash") {
		for sum := range strings.SplitSeq(sums, ",") {
			switch kind, value, _ := strings.Cut(strings.TrimSpace(sum), "="); kind {
			case "md5":
				found.Sums.MD5 = value
			case "crc32c":
				found.Sums.CRC32C = value
			}
		}
	}
	return response.Body, found, nil
}

// Stat implements rest.Store.
func (s *store) Stat(ctx context.Context, name string) (rest.Found, error) {
	var o object
	err := s.ask(ctx, rest.Reading, &o, get(s.at(name)))
	return o.found(), err
}

// List implements rest.Store.
func (s *store) List(ctx context.Context, prefix, after, page string) (rest.Page, error) {
	query := url.Values{
		"prefix": {prefix}, "startOffset": {after}, "pageToken": {page},
		"maxResults": {strconv.Itoa(pageSize)}, "fields": {"nextPageToken,items(name,size,updated)"},
	}
	for name, value := range query {
		if value[0] == "" {
			query.Del(name)
		}
	}
	var list struct {
		Items []object `json:"items"`
		Next  string   `json:"nextPageToken"`
	}
	err := s.ask(ctx, rest.Listing, &list, get(s.at("")+"?"+query.Encode()))
	p := rest.Page{Next: list.Next}
	for _, o := range list.Items {
		p.Objects = append(p.Objects, rest.Listed{Name: o.Name, Size: o.Size, Modified: o.Updated})
	}
	return p, err
}

func get(at string) func() (*http.Request, error) {
	return func() (*http.Request, error) { return http.NewRequest(http.MethodGet, at, nil) }
}

// at is where an object is, or all objects.
func (s *store) at(name string) string {
	at := s.endpoint + "/storage/v1/b/" + url.PathEscape(s.bucket) + "/o"
	if name != "" {
		at += "/" + url.PathEscape(name)
	}
	return at
}

// ask sends a request whose answer is JSON.
func (s *store) ask(ctx context.Context, d rest.Deed, answer any, build func() (*http.Request, error)) error {
	response, err := s.client.Do(ctx, d, build)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
		return &rest.Refusal{Why: "the store's answer cannot be read", Said: err.Error(), Fix: "call again"}
	}
	return nil
}
