package emulator

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
)

// A Fault is what a Proxy does to a request.
type Fault int

// Faults.
const (
	None         Fault = iota
	Refuse             // answers 503, and the store hears nothing of it
	Throttle           // answers 429, and the store hears nothing of it
	ActAndFail         // the store acts, and the answer becomes 500
	ActAndHangUp       // the store acts, and the connection ends without an answer
	HalfAnswer         // the connection ends in the middle of the answer's body
)

// Nth gives the nth request, counted from 1, of those that ask for, a fault.
func Nth(nth int64, fault Fault, asked func(*http.Request) bool) func(*http.Request) Fault {
	var seen atomic.Int64
	return func(r *http.Request) Fault {
		if asked(r) && seen.Add(1) == nth {
			return fault
		}
		return None
	}
}

// Writes are requests that write.
func Writes(r *http.Request) bool { return r.Method == http.MethodPut || r.Method == http.MethodPost }

// Reads are requests that read.
func Reads(r *http.Request) bool { return r.Method == http.MethodGet }

// Proxy returns the URL of a proxy before a store, which does to requests what faults
// says.
func Proxy(t testing.TB, store string, faults func(*http.Request) Fault) string {
	t.Helper()
	target, err := url.Parse(store)
	if err != nil {
		t.Fatal(err)
	}
	through := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch fault := faults(r); fault {
		case None:
			through.ServeHTTP(w, r)
		case Refuse:
			http.Error(w, "busy", http.StatusServiceUnavailable)
		case Throttle:
			w.Header().Set("Retry-After", "1")
			http.Error(w, "slow down", http.StatusTooManyRequests)
		default:
			answer := httptest.NewRecorder()
			through.ServeHTTP(answer, r)
			spoil(w, fault, answer)
		}
	}))
	t.Cleanup(front.Close)
	return front.URL
}

func spoil(w http.ResponseWriter, fault Fault, answer *httptest.ResponseRecorder) {
	if fault == ActAndFail {
		http.Error(w, "something went wrong", http.StatusInternalServerError)
		return
	}
	if fault == HalfAnswer {
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes()[:answer.Body.Len()/2])
		_ = http.NewResponseController(w).Flush()
	}
	if connection, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = connection.Close()
	}
}
