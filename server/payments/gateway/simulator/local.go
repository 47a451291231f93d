package simulator

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// local carries requests to a handler in the same process, in the caller's goroutine.
type local struct{ handler http.Handler }

var errDropped = errors.New("the connection was dropped")

// RoundTrip serves the request. A handler that gives up is a lost connection.
func (l local) RoundTrip(r *http.Request) (response *http.Response, err error) {
	defer func() {
		if p := recover(); p != nil {
			if e, ok := p.(error); !ok || !errors.Is(e, http.ErrAbortHandler) {
				panic(p)
			}
			if response, err = nil, r.Context().Err(); err == nil {
				err = errDropped
			}
		}
	}()
	w := &recorder{header: http.Header{}, status: http.StatusOK}
	served := r.Clone(r.Context()) // a transport must not change the request
	served.Host = r.URL.Host
	served.RequestURI = r.URL.RequestURI()
	if served.Body == nil {
		served.Body = http.NoBody
	}
	l.handler.ServeHTTP(w, served)
	if err := r.Context().Err(); err != nil {
		return nil, err // the answer comes too late, as it would over a network
	}
	return &http.Response{
		StatusCode: w.status, Status: http.StatusText(w.status), Header: w.header, Request: r,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()),
	}, nil
}

type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) { r.status = status }

func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }
