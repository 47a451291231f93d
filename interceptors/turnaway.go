package interceptors

import (
	"bytes"
	"log/slog"
	"maps"
	"net/http"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"

	"github.com/orderprocessing/orderprocessing/server/fault"
)

// shedRetryAfter is when those who are turned away may come back: the gate adapts within it.
const shedRetryAfter = time.Second

// turnedAway answers those who find no place. A process with too much to do gives such answers by the thousand
// and must spend little on them: they are all alike, so each is made once and sent again as it is, and the
// log tells how many there were instead of each.
type turnedAway struct {
	refused *refusal
	ready   map[string]*kept // by the content type of the call, of those that come often
	calls   atomic.Int64     // since it was logged
	logged  atomic.Int64     // when, in nanoseconds
}

func newTurnedAway(writer *connect.ErrorWriter) *turnedAway {
	f := fault.New(fault.KindExhausted, fault.ReasonOverloaded, "too many calls are under way")
	f.RetryAfter = shedRetryAfter
	t := &turnedAway{refused: ofFault(f).refusal(), ready: map[string]*kept{}}
	for _, contentType := range []string{
		"application/proto", "application/json", "application/grpc", "application/grpc+proto", "application/grpc-web+proto",
	} {
		w := &kept{header: http.Header{}}
		r := &http.Request{Method: http.MethodPost, Header: http.Header{"Content-Type": {contentType}}}
		if err := writer.Write(w, r, t.refused); err == nil {
			t.ready[contentType] = w
		}
	}
	return t
}

// turnAway answers a call for which there is no place.
func (e *exchange) turnAway() {
	c := e.chain
	t := c.limiter.turnedAway
	c.limiter.shed.Inc()
	e.reached, e.wrote = true, true
	e.setWriteDeadline(c.options.WriteTimeout)
	if w := t.ready[e.request.Header.Get("Content-Type")]; w != nil && e.request.Method == http.MethodPost {
		w.send(e.ResponseWriter)
	} else {
		e.Header().Set("Cache-Control", "no-store")
		c.write(e.ResponseWriter, e.request, 0, t.refused)
	}
	if e.procedure.Path != "" {
		c.metrics.record(e.request.Context(), e.procedure.Path, codeName(t.refused), time.Since(e.started))
	}
	t.log(c.logger, e.started)
}

// log tells of the first, and from then on once a second how many there were.
func (t *turnedAway) log(logger *slog.Logger, now time.Time) {
	t.calls.Add(1)
	last := t.logged.Load()
	if now.UnixNano()-last >= int64(time.Second) && t.logged.CompareAndSwap(last, now.UnixNano()) {
		logger.Warn("calls are turned away: too many are under way", slog.Int64("calls", t.calls.Swap(0)))
	}
}

// kept is an answer that is sent more than once.
type kept struct {
	header http.Header // trailers too
	first  http.Header // what of it goes before the body
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (k *kept) Header() http.Header { return k.header }

// WriteHeader implements http.ResponseWriter.
func (k *kept) WriteHeader(status int) { k.first, k.status = k.header.Clone(), status }

// Write implements http.ResponseWriter.
func (k *kept) Write(data []byte) (int, error) { return k.body.Write(data) }

func (k *kept) send(w http.ResponseWriter) {
	maps.Copy(w.Header(), k.first)
	w.WriteHeader(k.status)
	maps.Copy(w.Header(), k.header)
	_, _ = w.Write(k.body.Bytes()) //nolint:gosec // our own words; the caller is gone, at worst
}
