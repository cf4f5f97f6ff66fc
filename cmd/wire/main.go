// Command wire stands between a program and a web service: it passes every call on,
// late where asked, and writes a line about each. scripts/bench-glue.sh counts with
// it what a ship asks of AWS, and puts AWS as far away as it really is.
//
// It prints its address, and ends when its input does.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"sync"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		os.Stderr.WriteString("wire: " + err.Error() + "\n") //nolint:errcheck // there is nowhere else to say it
		os.Exit(2)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("wire", flag.ContinueOnError)
	to := flags.String("to", "", "the service's address")
	delay := flags.Duration("delay", 0, "how much later a call arrives")
	lines := flags.String("log", os.DevNull, "the file that gets a line about each call")
	if err := flags.Parse(args); err != nil {
		return err
	}
	service, err := url.Parse(*to)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(*lines, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644) //nolint:gosec // no secret is in it
	if err != nil {
		return err
	}
	w := &wire{pass: httputil.NewSingleHostReverseProxy(service), delay: *delay, began: time.Now(), log: file}
	server := httptest.NewServer(w)
	fmt.Fprintln(out, server.URL)
	_, err = io.Copy(io.Discard, in)
	server.Close()
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}

// A wire passes calls on.
type wire struct {
	pass  http.Handler
	delay time.Duration
	began time.Time

	mu  sync.Mutex
	log io.Writer
}

// ServeHTTP implements http.Handler. A line has when the call came and how long it
// took, in milliseconds, its status, and what it is.
func (w *wire) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	came := time.Now()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(out, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	name := nameOf(r, body)
	time.Sleep(w.delay)
	answer := &statused{ResponseWriter: out, status: http.StatusOK}
	w.pass.ServeHTTP(answer, r)
	w.mu.Lock()
	defer w.mu.Unlock()
	fmt.Fprintf(w.log, "%8.1f %7.1f %d %s\n", ms(came.Sub(w.began)), ms(time.Since(came)), answer.status, name)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// statused remembers the status of an answer.
type statused struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (s *statused) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}
