package interceptors

import (
	"bytes"
	"context"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"
)

// maxHeldBytes bounds what is held of an answer that connect gives by itself; those are short.
const maxHeldBytes = 16 << 10

// exchange is one request and its answer, as a http.ResponseWriter. Until the interceptors are
// reached it holds the answer back, as it can only be a refusal of connect's.
type exchange struct {
	http.ResponseWriter
	chain     *Chain
	request   *http.Request
	control   *http.ResponseController
	procedure *Procedure
	started   time.Time

	callerID string // who calls, for the log; empty for nobody

	reached bool // the interceptors run; from here on, answers pass
	wrote   bool
	status  int          // held
	held    bytes.Buffer // held

	client  netip.Addr // only with limits
	address string     // of the client, as it is counted
	quotas  quotas

	bytesIn, bytesOut atomic.Int64
	writeWatch        *time.Timer // only of streams
}

func newExchange(c *Chain, w http.ResponseWriter, r *http.Request, procedure *Procedure) *exchange {
	e := &exchange{
		ResponseWriter: w,
		chain:          c,
		control:        http.NewResponseController(w),
		procedure:      procedure,
		started:        time.Now(),
	}
	e.request = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, e))
	if r.Body != nil && r.Body != http.NoBody {
		e.request.Body = newBody(e, r.Body)
	}
	if r.ProtoMajor == 1 {
		e.setWriteDeadline(0) // the connection may have one left from the call before
	}
	return e
}

// reach tells that the interceptors run.
func (e *exchange) reach() { e.reached = true }

// Unwrap serves http.ResponseController.
func (e *exchange) Unwrap() http.ResponseWriter { return e.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (e *exchange) WriteHeader(status int) {
	if !e.reached {
		e.status = status
		return
	}
	e.wrote = true
	e.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (e *exchange) Write(data []byte) (int, error) {
	if !e.reached {
		if room := maxHeldBytes - e.held.Len(); room > 0 {
			e.held.Write(data[:min(room, len(data))])
		}
		return len(data), nil
	}
	if e.procedure.StreamsOut {
		defer e.watchWrite()()
	} else if !e.wrote {
		e.setWriteDeadline(e.chain.options.WriteTimeout)
	}
	e.wrote = true
	n, err := e.ResponseWriter.Write(data) //nolint:gosec // it passes on what a handler encoded
	e.bytesOut.Add(int64(n))
	return n, err
}

// Flush implements http.Flusher.
func (e *exchange) Flush() {
	if !e.reached {
		return
	}
	if e.procedure.StreamsOut {
		defer e.watchWrite()()
	}
	e.wrote = true
	_ = e.control.Flush() // the next write tells
}

// watchWrite ends a write of a stream that takes too long. Only a timer can: a deadline on HTTP/2
// would end a stream that has nothing to say, too.
func (e *exchange) watchWrite() (done func()) {
	if e.writeWatch == nil {
		e.writeWatch = time.AfterFunc(e.chain.options.WriteTimeout, func() {
			_ = e.control.SetWriteDeadline(time.Unix(1, 0))
		})
	} else {
		e.writeWatch.Reset(e.chain.options.WriteTimeout)
	}
	return func() { e.writeWatch.Stop() }
}

// setWriteDeadline bounds all writes from here on; 0 unbinds them. A writer that knows no deadlines
// is one of a test, without a network that could be slow.
func (e *exchange) setWriteDeadline(within time.Duration) {
	_ = e.control.SetWriteDeadline(deadline(within))
}

func deadline(within time.Duration) time.Time {
	if within == 0 {
		return time.Time{}
	}
	return time.Now().Add(within)
}
