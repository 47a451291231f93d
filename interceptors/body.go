package interceptors

import (
	"context"
	"errors"
	"io"
	"os"
	"time"
)

var (
	errTooLarge = errors.New("the request is larger than it may be")
	errTooSlow  = errors.New("the request took too long to arrive")
)

// body is the body of a request with its limits. A call with one message has a time for all of it
// and a size; a stream has a time for each piece, and connect limits the size of each message.
type body struct {
	io.ReadCloser
	exchange *exchange
	left     int64       // bytes that may still come
	watch    *time.Timer // only of streams: fires when the caller is silent
}

func newBody(e *exchange, source io.ReadCloser) *body {
	b := &body{ReadCloser: source, exchange: e, left: int64(e.chain.options.MaxRequestBytes) + slackBytes}
	if !e.procedure.StreamsIn {
		e.setReadDeadline(deadline(e.chain.options.ReadTimeout))
	}
	return b
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if b.exchange.procedure.StreamsIn {
		defer b.watchRead()()
		defer b.endRead()()
	} else {
		if b.left <= 0 {
			return 0, errTooLarge
		}
		p = p[:min(int64(len(p)), b.left)]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	b.exchange.bytesIn.Add(int64(n))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return n, errTooSlow
	case errors.Is(err, io.EOF):
		// On HTTP/1.1 the deadline is the connection's, and would end the call while it is worked on.
		b.exchange.setReadDeadline(time.Time{})
	}
	return n, err
}

func (b *body) watchRead() (done func()) {
	idle := b.exchange.chain.options.StreamIdleTimeout
	if b.watch == nil {
		b.watch = time.AfterFunc(idle, func() { b.exchange.setReadDeadline(time.Unix(1, 0)) })
	} else {
		b.watch.Reset(idle)
	}
	return func() { b.watch.Stop() }
}

// endRead ends a read of a stream when its call ends, such as when the server stops: else the handler would
// wait for a caller who has nothing to say.
func (b *body) endRead() (done func()) {
	ended := make(chan struct{})
	stop := context.AfterFunc(b.exchange.request.Context(), func() {
		defer close(ended)
		b.exchange.setReadDeadline(time.Unix(1, 0))
	})
	return func() {
		if !stop() {
			<-ended // the writer must not be touched once the handler has returned
		}
	}
}

// setReadDeadline bounds reads. A writer that knows no deadlines is one of a test.
func (e *exchange) setReadDeadline(at time.Time) { _ = e.control.SetReadDeadline(at) }
