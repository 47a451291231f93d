package server

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// maxWarm is how many goroutines wait for calls, at most; more come and go with the calls.
const maxWarm = 256

// warm runs calls that were let in on goroutines that have run others. net/http has one for each connection of
// HTTP/1.1 and one for each call of HTTP/2, whose stack grows, and is copied each time, on its way through the
// interceptors, and is made small again while it waits: a tenth of what calls take (ADR 34). A call of
// HTTP/1.1 that comes alone stays where it is, on a goroutine that stays too: it would wait for a thread to wake up.
type warm struct {
	next    http.Handler
	ends    <-chan struct{} // closed when no calls come any more
	calls   chan *warmCall
	inside  atomic.Int64 // calls
	waiting atomic.Int64
	spare   sync.Pool // of *warmCall
}

// warmCall is a call on its way to a goroutine. Its done channel gets what the handler panicked with, or nil.
type warmCall struct {
	w    http.ResponseWriter
	r    *http.Request
	done chan any
}

// onWarm makes next's calls run on warm goroutines, which end when ends is closed.
func onWarm(ends <-chan struct{}, next http.Handler) *warm {
	return &warm{next: next, ends: ends, calls: make(chan *warmCall)}
}

func (h *warm) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer h.inside.Add(-1)
	if h.inside.Add(1) == 1 && r.ProtoMajor == 1 {
		h.next.ServeHTTP(w, r)
		return
	}
	c, _ := h.spare.Get().(*warmCall)
	if c == nil {
		c = &warmCall{done: make(chan any, 1)}
	}
	c.w, c.r = w, r
	select {
	case h.calls <- c:
	default:
		go h.work(c)
	}
	panicked := <-c.done
	c.w, c.r = nil, nil
	h.spare.Put(c)
	if panicked != nil {
		panic(panicked) // net/http resets the stream, or closes the connection
	}
}

func (h *warm) work(c *warmCall) {
	for c != nil {
		c.done <- h.serve(c)
		c = h.wait()
	}
}

// serve gives what the handler panicked with, and where, unless it only wanted to abort the answer.
func (h *warm) serve(c *warmCall) (panicked any) {
	defer func() {
		panicked = recover()
		if err, _ := panicked.(error); panicked != nil && !errors.Is(err, http.ErrAbortHandler) {
			panicked = fmt.Sprintf("%v\n\n%s", panicked, debug.Stack())
		}
	}()
	h.next.ServeHTTP(c.w, c.r)
	return nil
}

// wait gives the next call; nil when there is none to wait for.
func (h *warm) wait() *warmCall {
	defer h.waiting.Add(-1)
	if h.waiting.Add(1) > maxWarm {
		return nil
	}
	select {
	case c := <-h.calls:
		return c
	case <-h.ends:
		return nil
	}
}
