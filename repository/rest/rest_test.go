package rest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/repository/rest"
)

// A fake is a store that gives what it is told to.
type fake struct {
	rest.Store
	body  string
	found rest.Found
	pages []rest.Page
	err   error
}

func (f *fake) Open(context.Context, string) (io.ReadCloser, rest.Found, error) {
	return io.NopCloser(strings.NewReader(f.body)), f.found, f.err
}

func (f *fake) List(_ context.Context, _, _, page string) (rest.Page, error) {
	n := 0
	if page != "" {
		n = int(page[0] - '0')
	}
	return f.pages[n], f.err
}

// What arrives is compared with the checksums of the store.
func TestBytesThatWereDamaged(t *testing.T) {
	sums := rest.Sums{MD5: "kAFQmDzST7DWlj99KOF/cg==", CRC32C: "Nks/tw=="} // of abc
	for _, tt := range []struct {
		body  string
		found rest.Found
		want  string
	}{
		{"abc", rest.Found{Size: 3, Sums: sums}, ""},
		{"abc", rest.Found{Size: 3}, ""},
		{"abd", rest.Found{Size: 3, Sums: rest.Sums{MD5: sums.MD5}}, "other bytes came than the store has, by their checksum"},
		{"abd", rest.Found{Size: 3, Sums: rest.Sums{CRC32C: sums.CRC32C}}, "other bytes came than the store has, by their checksum"},
		{"ab", rest.Found{Size: 3, Sums: sums}, "2 bytes came, and the store has 3"},
	} {
		r := rest.New(&fake{body: tt.body, found: tt.found}, "x://b", "p")
		data, _, err := r.Read(t.Context(), "k")
		said := ""
		if err != nil {
			said = strings.TrimPrefix(err.Error(), "cannot read x://b/p/k: it did not arrive whole: ")
		}
		if said != tt.want || string(data) != tt.body {
			t.Errorf("%s: got %q, %v; want %s", tt.body, data, err, tt.want)
		}
		if err != nil && slipway.KindOf(err) != slipway.Unavailable {
			t.Errorf("the kind is %s", slipway.KindOf(err))
		}
	}
}

func TestAListInAnotherOrder(t *testing.T) {
	r := rest.New(&fake{pages: []rest.Page{{Objects: []rest.Listed{{Name: "p/a-b/x"}}, Next: "1"}, {Objects: []rest.Listed{{Name: "p/a/b"}, {Name: "p/a-c"}}}}}, "x://b", "p")
	var keys []string
	var last error
	for o, err := range r.List(t.Context(), "", "") {
		if last = err; err == nil {
			keys = append(keys, o.Key)
		}
	}
	if diff := cmp.Diff([]string{"a-b/x", "a/b"}, keys); diff != "" {
		t.Error(diff)
	}
	const want = "cannot list x://b/p: the store lists a-c behind a/b, and not in the order of their bytes"
	if last == nil || last.Error() != want || slipway.FixOf(last) != "use a store that does; an account of Azure must not have a hierarchical namespace" {
		t.Errorf("got %v", last)
	}
}

// A network is what happens to the requests of a client, one after the other.
type network struct {
	answers []any // a status, or an error
	sent    []string
	paused  []time.Duration
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	n.sent = append(n.sent, string(data))
	answer := n.answers[min(len(n.sent), len(n.answers))-1]
	if err, ok := answer.(error); ok {
		return nil, err
	}
	status, _ := answer.(int)
	return &http.Response{StatusCode: status, Header: http.Header{"Retry-After": {"7"}}, Body: http.NoBody}, nil
}

func (n *network) client() *rest.Client {
	return &rest.Client{
		Transport: n,
		Pause: func(ctx context.Context, d time.Duration) error {
			n.paused = append(n.paused, d)
			return ctx.Err()
		},
		Refused: func(_ rest.Deed, status int, _ http.Header, _ []byte) *rest.Refusal {
			return &rest.Refusal{Why: http.StatusText(status)}
		},
	}
}

func post(data io.ReadSeeker) func() (*http.Request, error) {
	return func() (*http.Request, error) {
		if _, err := data.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		return http.NewRequest(http.MethodPost, "http://store/", io.NopCloser(data))
	}
}

// A slow answer is an error of the network that says it is a deadline's.
type slow struct{}

func (slow) Error() string   { return "timeout awaiting response headers" }
func (slow) Is(e error) bool { return e == context.DeadlineExceeded }

func TestRetries(t *testing.T) {
	for _, tt := range []struct {
		answers []any
		tries   int
		want    string
	}{
		{[]any{200}, 1, ""},
		{[]any{429, 408, 500, 502, 503, 504, 200}, 7, ""},
		{[]any{errors.New("connection reset"), slow{}, 200}, 3, ""},
		{[]any{404}, 1, "Not Found"},
		{[]any{503, 412}, 2, "Precondition Failed"},
		{[]any{503}, 8, "Service Unavailable"},
		{[]any{slow{}}, 8, "the store cannot be reached: timeout awaiting response headers"},
	} {
		n := &network{answers: tt.answers}
		response, err := n.client().Do(t.Context(), rest.Writing, post(strings.NewReader("data")))
		said := ""
		if err != nil {
			said = err.Error()
		} else {
			_ = response.Body.Close()
		}
		if said != tt.want || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v: got %v, want %s", tt.answers, err, tt.want)
		}
		want := make([]string, tt.tries)
		for i := range want {
			want[i] = "data"
		}
		if diff := cmp.Diff(want, n.sent); diff != "" {
			t.Errorf("%v: sent (-want +got):\n%s", tt.answers, diff)
		}
		for i, d := range n.paused {
			if _, status := tt.answers[min(i, len(tt.answers)-1)].(int); status && d < 7*time.Second || d > 30*time.Second || d <= 0 {
				t.Errorf("%v: pause %d is %s", tt.answers, i, d)
			}
		}
	}
}

func TestRetriesEndWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	n := &network{answers: []any{503}}
	c := n.client()
	c.Pause = func(ctx context.Context, _ time.Duration) error {
		cancel()
		return ctx.Err()
	}
	for i, answer := range []any{503, errors.New("connection reset")} {
		n.answers = []any{answer}
		response, err := c.Do(ctx, rest.Reading, post(strings.NewReader("")))
		if !errors.Is(err, context.Canceled) || len(n.sent) != i+1 {
			t.Errorf("sent %d, got %v", len(n.sent), err)
		}
		if response != nil {
			_ = response.Body.Close()
		}
	}
}

// A greedy transport goes on reading when it has answered.
type greedy struct{ body io.Reader }

func (g *greedy) RoundTrip(r *http.Request) (*http.Response, error) {
	g.body = r.Body
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

func TestDataIsLeftAloneAfterwards(t *testing.T) {
	g, data := &greedy{}, bytes.NewReader([]byte("data"))
	c := rest.Client{Transport: g}
	response, err := c.Do(t.Context(), rest.Writing, post(data))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if read, err := io.ReadAll(g.body); len(read) != 0 || err == nil || data.Len() != 4 {
		t.Errorf("%q was read, %v; %d bytes are left", read, err, data.Len())
	}
}
