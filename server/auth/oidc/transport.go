package oidc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	// rememberAnswer and rememberFailure are how long an answer of the issuer serves. Strangers choose
	// the key ids that make us ask for its keys.
	rememberAnswer  = 10 * time.Second
	rememberFailure = 2 * time.Second
	// maxAnswerBytes is more than an issuer has to say.
	maxAnswerBytes = 1 << 20
)

// errAway tells that the issuer did not answer, or not well.
var errAway = errors.New("the issuer does not answer")

// remembering asks each address of the issuer at most once in a while. There are two of them.
type remembering struct {
	next http.RoundTripper
	now  func() time.Time

	mu    sync.Mutex
	known map[string]answer
}

type answer struct {
	until  time.Time
	header http.Header
	body   []byte
	err    error
}

func newRemembering(next http.RoundTripper, now func() time.Time) *remembering {
	return &remembering{next: next, now: now, known: map[string]answer{}}
}

// RoundTrip implements http.RoundTripper.
func (r *remembering) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	a, ok := r.known[req.URL.String()]
	r.mu.Unlock()
	if !ok || !r.now().Before(a.until) {
		a = r.ask(req)
		if req.Context().Err() == nil { // a caller that has gone says nothing about the issuer
			r.mu.Lock()
			r.known[req.URL.String()] = a
			r.mu.Unlock()
		}
	}
	if a.err != nil {
		return nil, a.err
	}
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header, Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)), Request: req,
	}, nil
}

func (r *remembering) ask(req *http.Request) answer {
	failed := func(err error) answer {
		return answer{until: r.now().Add(rememberFailure), err: fmt.Errorf("%w: %w", errAway, err)}
	}
	response, err := r.next.RoundTrip(req)
	if err != nil {
		return failed(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return failed(fmt.Errorf("status %d", response.StatusCode))
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes))
	if err != nil {
		return failed(err)
	}
	return answer{until: r.now().Add(rememberAnswer), header: response.Header.Clone(), body: body}
}
