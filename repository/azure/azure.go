// Package azure is an artifact repository in a container of Azure Blob Storage. Start
// at Open.
//
// It speaks the store's REST API over plain HTTP. An object is written with one
// request that names the entity tag it replaces, or that there must be none, so that
// writers need no lock; its MD5 travels with it and is checked by the store.
package azure

import (
	"context"
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/repository/rest"
)

// The names of metadata, which the store wants to be identifiers of C#.
const (
	digestHeader = "X-Ms-Meta-Slipwaydigest"
	swapHeader   = "X-Ms-Meta-Slipwayswap" // which call of Swap wrote the object
)

const (
	version  = "2023-11-03" // of the store's API
	pageSize = 5000
)

// A store is a container. It implements rest.Store.
type store struct {
	endpoint  string // of the account
	container string
	sas       url.Values // what makes a request somebody's, if that is in its address
	client    *rest.Client
}

var _ rest.Store = (*store)(nil)

// Write implements rest.Store.
func (s *store) Write(ctx context.Context, w rest.Write) (etag string, err error) {
	deed := rest.Writing
	if w.Match != "" {
		deed = rest.Replacing
		if !strings.HasPrefix(w.Match, `"`) {
			return "", &rest.Refusal{Reason: rest.Moved, Why: "no object has the version " + w.Match}
		}
	}
	response, err := s.client.Do(ctx, deed, func() (*http.Request, error) {
		if _, err := w.Data.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		request, err := s.request(http.MethodPut, w.Name, nil, io.NopCloser(w.Data))
		if err != nil {
			return nil, err
		}
		request.ContentLength = w.Size
		if w.Size == 0 {
			request.Body = http.NoBody
		}
		describe(request.Header, w)
		return request, nil
	})
	if err != nil {
		return "", err
	}
	return response.Header.Get("Etag"), response.Body.Close()
}

func describe(h http.Header, w rest.Write) {
	h.Set("X-Ms-Blob-Type", "BlockBlob")
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Md5", w.Sums.MD5)
	h.Set(digestHeader, string(w.Notes.Digest))
	if w.Notes.Call != "" {
		h.Set(swapHeader, w.Notes.Call)
	}
	if w.Match == "" {
		h.Set("If-None-Match", "*")
	} else {
		h.Set("If-Match", w.Match)
	}
}

// Open implements rest.Store.
func (s *store) Open(ctx context.Context, name string) (io.ReadCloser, rest.Found, error) {
	response, err := s.client.Do(ctx, rest.Reading, func() (*http.Request, error) { return s.request(http.MethodGet, name, nil, nil) })
	if err != nil {
		return nil, rest.Found{}, err
	}
	return response.Body, found(response), nil
}

// Stat implements rest.Store.
func (s *store) Stat(ctx context.Context, name string) (rest.Found, error) {
	response, err := s.client.Do(ctx, rest.Reading, func() (*http.Request, error) { return s.request(http.MethodHead, name, nil, nil) })
	if err != nil {
		return rest.Found{}, err
	}
	return found(response), response.Body.Close()
}

func found(response *http.Response) rest.Found {
	h := response.Header
	modified, _ := http.ParseTime(h.Get("Last-Modified")) // zero where there is none
	return rest.Found{
		Size: response.ContentLength, Modified: modified, Version: h.Get("Etag"), Sums: rest.Sums{MD5: h.Get("Content-Md5")},
		Notes: rest.Notes{Digest: slipway.Digest(h.Get(digestHeader)), Call: h.Get(swapHeader)},
	}
}

// A list is a page as the store writes it.
type list struct {
	Blobs []struct {
		Name       string `xml:"Name"`
		Properties struct {
			Modified string `xml:"Last-Modified"`
			Size     int64  `xml:"Content-Length"`
		} `xml:"Properties"`
	} `xml:"Blobs>Blob"`
	Next string `xml:"NextMarker"`
}

// List implements rest.Store. The store cannot begin behind a name, so that a list
// begins at the first of the prefix.
func (s *store) List(ctx context.Context, prefix, _, page string) (rest.Page, error) {
	query := url.Values{"restype": {"container"}, "comp": {"list"}, "maxresults": {strconv.Itoa(pageSize)}}
	if prefix != "" {
		query.Set("prefix", prefix)
	}
	if page != "" {
		query.Set("marker", page)
	}
	response, err := s.client.Do(ctx, rest.Listing, func() (*http.Request, error) { return s.request(http.MethodGet, "", query, nil) })
	if err != nil {
		return rest.Page{}, err
	}
	defer response.Body.Close()
	var l list
	if err := xml.NewDecoder(response.Body).Decode(&l); err != nil {
		return rest.Page{}, &rest.Refusal{Why: "the store's answer cannot be read", Said: err.Error(), Fix: "call again"}
	}
	p := rest.Page{Next: l.Next}
	for _, b := range l.Blobs {
		modified, err := time.Parse(time.RFC1123, b.Properties.Modified)
		if err != nil {
			return rest.Page{}, &rest.Refusal{Why: "the store's answer cannot be read", Said: err.Error(), Fix: "call again"}
		}
		p.Objects = append(p.Objects, rest.Listed{Name: b.Name, Size: b.Properties.Size, Modified: modified})
	}
	return p, nil
}

// request makes one for an object, or, without a name, for the container.
func (s *store) request(method, name string, query url.Values, body io.ReadCloser) (*http.Request, error) {
	at := s.endpoint + "/" + url.PathEscape(s.container)
	if name != "" {
		parts := strings.Split(name, "/")
		for i, part := range parts {
			parts[i] = url.PathEscape(part)
		}
		at += "/" + strings.Join(parts, "/")
	}
	request, err := http.NewRequest(method, at, nil)
	if err != nil {
		return nil, err
	}
	if body != nil {
		request.Body = body
	}
	all := url.Values{}
	maps.Copy(all, s.sas)
	maps.Copy(all, query)
	request.URL.RawQuery = all.Encode()
	request.Header.Set("X-Ms-Version", version)
	return request, nil
}
