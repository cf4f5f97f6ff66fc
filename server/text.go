package server

import (
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// text describes an operation whose answer is plain text, sent as it comes.
func text(id, path, summary, tag string) huma.Operation {
	return huma.Operation{
		OperationID: id, Method: http.MethodGet, Path: Root + path, Summary: summary, Tags: []string{tag},
		Errors: []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		Responses: map[string]*huma.Response{"200": {
			Description: "The text.", Content: map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}},
		}},
	}
}

// textBody begins an answer in plain text, and returns where it goes: each write is
// sent at once.
func textBody(c huma.Context) io.Writer {
	c.SetHeader("Content-Type", "text/plain; charset=utf-8")
	c.SetHeader("X-Content-Type-Options", "nosniff")
	c.SetStatus(http.StatusOK)
	_, w := humago.Unwrap(c)
	return flushed{w, http.NewResponseController(w)}
}

type flushed struct {
	http.ResponseWriter
	control *http.ResponseController
}

// Write implements io.Writer.
func (f flushed) Write(p []byte) (int, error) {
	n, err := f.ResponseWriter.Write(p)
	if err != nil {
		return n, err
	}
	return n, f.control.Flush()
}
