package telemetry

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// A sender posts telemetry to one endpoint. What cannot be sent is lost, which is
// said once, and again after it has gone well in between.
type sender struct {
	at      endpoint
	client  *http.Client
	log     *slog.Logger // not the one that is sent
	failing atomic.Bool
}

func newSender(at endpoint, log *slog.Logger) *sender {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: at.TLS, ForceAttemptHTTP2: true, IdleConnTimeout: 90 * time.Second}
	return &sender{at: at, client: &http.Client{Transport: transport}, log: log}
}

// tries is how often something is sent, with a second, and then twice as long each
// time, between.
const tries = 4

// send posts a message. It never returns an error: the server's work goes on without
// telemetry, and whoever reads the log learns of it.
func (s *sender) send(ctx context.Context, message []byte) {
	body, err := s.packed(message)
	wait := time.Second
	for i := 0; err == nil && i < tries; i++ {
		var again time.Duration
		again, err = s.post(ctx, body)
		if err == nil {
			if s.failing.Swap(false) {
				s.log.InfoContext(ctx, "telemetry is sent again", "to", s.at.URL)
			}
			return
		}
		if again < 0 || i == tries-1 || !pause(ctx, max(again, wait)) {
			break
		}
		err, wait = nil, wait*2
	}
	if !s.failing.Swap(true) {
		s.log.WarnContext(ctx, "telemetry cannot be sent, and is lost until it can", "to", s.at.URL, "error", err)
	}
}

// packed compresses a message if that is asked for.
func (s *sender) packed(message []byte) ([]byte, error) {
	if !s.at.Gzip {
		return message, nil
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(message)
	err = errors.Join(err, w.Close())
	return b.Bytes(), err
}

// post tries once. again is how long to wait at least before the next try; below 0
// there is to be none.
func (s *sender) post(ctx context.Context, body []byte) (again time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.at.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.at.URL, bytes.NewReader(body))
	if err != nil {
		return -1, err
	}
	r.Header = s.at.Header.Clone()
	r.Header.Set("Content-Type", "application/x-protobuf")
	if s.at.Gzip {
		r.Header.Set("Content-Encoding", "gzip")
	}
	answer, err := s.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // so that the connection is used again
	switch answer.StatusCode {
	case http.StatusOK, http.StatusAccepted, http.StatusNoContent:
		return 0, nil
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After")) // it may be missing
		again = time.Duration(seconds) * time.Second
	default:
		again = -1
	}
	return again, fmt.Errorf("the answer is %s", answer.Status)
}

// pause waits, and reports whether ctx is still good.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
