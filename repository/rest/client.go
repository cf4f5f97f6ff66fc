package rest

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	tries      = 8
	firstPause = 100 * time.Millisecond
	longest    = 30 * time.Second // that a store may ask to be left alone
	answer     = 2 * time.Minute  // to begin with one, once a request is sent
	sideBySide = 32               // connections that are kept
	maxSaid    = 64 << 10         // bytes of an answer that is read
)

// A Client sends requests, each of which may be sent again: they read, or write on a
// condition. A request whose answer was lost is repeated; the store then says that the
// condition is no longer met, and Repository finds out whether by the request itself.
type Client struct {
	// Authorize makes a request one of somebody's.
	Authorize func(*http.Request) error
	// Refused reads an answer that is none of success.
	Refused func(d Deed, status int, header http.Header, body []byte) *Refusal
	// Transport is used for the requests; nil: one that never unpacks what it gets.
	Transport http.RoundTripper
	// Pause waits between two tries; nil: by the clock.
	Pause func(ctx context.Context, d time.Duration) error

	once sync.Once
	http *http.Client
}

// Bearer makes a request one of whom a token is for.
func Bearer(token func(context.Context) (string, error)) func(*http.Request) error {
	return func(r *http.Request) error {
		t, err := token(r.Context())
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+t)
		return nil
	}
}

func (c *Client) connect() {
	if c.Pause == nil {
		c.Pause = wait
	}
	if c.Transport == nil {
		c.Transport = NewTransport()
	}
	c.http = &http.Client{Transport: c.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// NewTransport returns what requests go by if nothing else is said.
func NewTransport() *http.Transport {
	t := &http.Transport{}
	if standard, ok := http.DefaultTransport.(*http.Transport); ok {
		t = standard.Clone()
	}
	t.DisableCompression = true // sums are of what is stored
	t.MaxIdleConnsPerHost = sideBySide
	t.ResponseHeaderTimeout = answer
	return t
}

// Do sends the request that build makes, and gives a successful answer, which the
// caller closes.
func (c *Client) Do(ctx context.Context, d Deed, build func() (*http.Request, error)) (*http.Response, error) {
	c.once.Do(c.connect)
	pause := firstPause
	for try := 1; ; try++ {
		response, asked, err := c.try(ctx, d, build)
		if err == nil || asked < 0 || try == tries || ctx.Err() != nil {
			return response, err
		}
		wanted := max(asked, pause/2+rand.N(pause/2))
		if err := c.Pause(ctx, min(wanted, longest)); err != nil {
			return nil, err
		}
		pause *= 2
	}
}

// never is how long to wait before another try where that would not help.
const never = time.Duration(-1)

func (c *Client) try(ctx context.Context, d Deed, build func() (*http.Request, error)) (_ *http.Response, again time.Duration, _ error) {
	request, err := build()
	if err != nil {
		return nil, never, err
	}
	request = request.WithContext(ctx)
	if c.Authorize != nil {
		if err := c.Authorize(request); err != nil {
			return nil, never, err
		}
	}
	if request.Body != nil && request.Body != http.NoBody { // whose length is known by what it is
		sent := &body{ReadCloser: request.Body}
		request.Body = sent
		defer sent.leave()
	}
	response, err := c.http.Do(request)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return nil, never, ctx.Err()
	default:
		return nil, 0, &Refusal{
			Why: "the store cannot be reached", Said: cause(err),
			Fix: "see that this machine is connected and that the address is right, then call again",
		}
	}
	if response.StatusCode < http.StatusMultipleChoices {
		return response, 0, nil
	}
	defer response.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(response.Body, maxSaid))
	again = never
	if isPassing(response.StatusCode) {
		again = retryAfter(response.Header)
	}
	return nil, again, c.Refused(d, response.StatusCode, response.Header, said)
}

// isPassing says whether an answer may be another one soon.
func isPassing(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, int(longest/time.Second))) * time.Second
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// A body can be left: a transport may still read it when the answer is there, and
// what it reads belongs to the next try, or to the caller again.
type body struct {
	io.ReadCloser
	mu   sync.Mutex
	left bool
}

func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left {
		return 0, io.ErrClosedPipe
	}
	return b.ReadCloser.Read(p)
}

func (b *body) leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = true
}
