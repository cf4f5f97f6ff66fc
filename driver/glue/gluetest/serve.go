package gluetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// console begins the paths of calls that are not the caller's under test.
const console = "/console"

// services are the prefixes of X-Amz-Target, and the names that the requests for
// them are signed for.
//
//nolint:gochecknoglobals // an immutable table
var services = map[string]string{"AWSGlue": "glue", "Logs_20140328": "logs"}

// ServeHTTP answers one request.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	op, input, err := decode(r)
	if err != nil {
		give(w, nil, err)
		return
	}
	if strings.HasPrefix(r.URL.Path, console) {
		output, err := f.act(op, input, false)
		give(w, output, err)
		return
	}
	call := f.admit(op, input)
	output, err := f.outcome(&call)
	f.note(call)
	f.between(call)
	f.answer(w, r, call.Outcome, output, err)
}

// outcome lets a call act, or not, and says what is to be answered.
func (f *Fake) outcome(call *Call) (object, error) {
	o := call.Outcome
	var output object
	var err error
	if o.kind == works || o.acts {
		output, err = f.act(call.Op, call.Input, true)
		call.Acted = err == nil && operations[call.Op].writes
	}
	if o.kind == fails {
		err = apiError{code: o.code, message: o.words(call.Op, call.Input)}
	}
	if refused, ok := errors.AsType[apiError](err); ok {
		call.Code = refused.code
	}
	return output, err
}

func (f *Fake) between(call Call) {
	f.mu.Lock()
	hook := f.meanwhile
	f.mu.Unlock()
	if hook != nil {
		hook(call)
	}
}

func (f *Fake) answer(w http.ResponseWriter, r *http.Request, o Outcome, output object, err error) {
	switch o.kind {
	case works, fails:
		give(w, output, err)
	case page:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(o.status)
		fmt.Fprintf(w, "<html><head><title>%[1]d %[2]s</title></head><body><h1>%[1]d %[2]s</h1></body></html>", o.status, http.StatusText(o.status))
	case hangs:
		select {
		case <-r.Context().Done():
		case <-f.done:
		}
		panic(http.ErrAbortHandler)
	case cuts:
		body, _ := json.Marshal(output) //nolint:errchkjson // decoded from JSON
		w.Header().Set("Content-Length", strconv.Itoa(len(body)+1))
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case drops:
		panic(http.ErrAbortHandler)
	}
}

// decode reads a request of AWS JSON 1.1.
func decode(r *http.Request) (string, object, error) {
	service, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	signed, ok := services[service]
	if !ok || operations[op].do == nil || operations[op].service != service {
		return "", nil, refuse("UnknownOperationException", "The fake has no operation %s.", r.Header.Get("X-Amz-Target"))
	}
	if !strings.Contains(r.Header.Get("Authorization"), "/"+Region+"/"+signed+"/aws4_request") {
		return "", nil, refuse("IncompleteSignature", "The request is not signed for %s in %s.", signed, Region)
	}
	body := json.NewDecoder(r.Body)
	body.UseNumber()
	var input object
	if err := body.Decode(&input); err != nil {
		return "", nil, refuse("SerializationException", "%s", err)
	}
	return op, input, nil
}

// give writes an answer of AWS JSON 1.1.
func give(w http.ResponseWriter, output object, err error) {
	status := http.StatusOK
	if refused, ok := errors.AsType[apiError](err); ok {
		status = statusOf(refused.code)
		output = object{"__type": refused.code, "Message": refused.message}
	}
	if output == nil {
		output = object{}
	}
	body, err := json.Marshal(output)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Requestid", "00000000-0000-4000-8000-000000000000")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
