package server

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// text describes an operation whose answer is plain text, sent as it comes.
func text(id, path, summary, tag string) huma.Operation {
	return raw(id, path, summary, tag, "text/plain", &huma.Schema{Type: huma.TypeString})
}

// raw describes an operation that answers with something that is no JSON.
func raw(id, path, summary, tag, contentType string, schema *huma.Schema) huma.Operation {
	return huma.Operation{
		OperationID: id, Method: http.MethodGet, Path: Root + path, Summary: summary, Tags: []string{tag},
		Errors:    problems(),
		Responses: map[string]*huma.Response{"200": {Description: "What was asked for.", Content: map[string]*huma.MediaType{contentType: {Schema: schema}}}},
	}
}

// A File is an answer that is saved as it is.
type File struct {
	ContentType string `header:"Content-Type"`
	Safe        string `header:"X-Content-Type-Options"`
	Body        []byte
}

func fileOf(contentType string, data []byte) *File {
	return &File{ContentType: contentType, Safe: "nosniff", Body: data}
}

// textBody begins an answer in plain text, and returns where it goes: each write is
// sent at once.
func (s *Server) textBody(c huma.Context) io.Writer {
	c.SetHeader("Content-Type", "text/plain; charset=utf-8")
	c.SetHeader("X-Content-Type-Options", "nosniff")
	c.SetStatus(http.StatusOK)
	_, w := humago.Unwrap(c)
	return s.flushed(w)
}

// flushed sends each write at once. A client that does not read it is cut off.
func (s *Server) flushed(w http.ResponseWriter) io.Writer {
	return flushed{w, http.NewResponseController(w), s.Clock, s.Slow}
}

type flushed struct {
	http.ResponseWriter
	control *http.ResponseController
	clock   func() time.Time
	slow    time.Duration
}

// Write implements io.Writer.
func (f flushed) Write(p []byte) (int, error) {
	if err := f.control.SetWriteDeadline(f.clock().Add(f.slow)); err != nil {
		return 0, err
	}
	n, err := f.ResponseWriter.Write(p)
	if err != nil {
		return n, err
	}
	return n, f.control.Flush()
}

// untilLeave is ctx, done as well when the server is about to end.
func (s *Server) untilLeave(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-s.leaving:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
