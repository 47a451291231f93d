package importer

import (
	"context"
	"errors"
	"fmt"
	"io"

	"connectrpc.com/connect"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
)

var errProtocol = errors.New("the server broke the contract of ImportOrders")

type stream = connect.BidiStreamForClientSimple[ordersv1.ImportOrdersRequest, ordersv1.ImportOrdersResponse]

// stream sends what is pending and then new batches, at most a window ahead of the answers. One
// goroutine is enough: answers are far smaller than what the transport buffers, so the server
// never waits for them to be read. It returns nil when all is answered.
func (r *run) stream(ctx context.Context) error {
	if len(r.pending) == 0 {
		if more, err := r.fill(); !more || err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // also ends a stream whose server does not answer
	open, err := r.client.ImportOrders(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = open.CloseResponse() }()
	for sent := 0; ; sent-- {
		for ; sent < r.opts.Window; sent++ {
			if sent == len(r.pending) {
				if more, err := r.fill(); err != nil {
					return err
				} else if !more {
					break
				}
			}
			if err := open.Send(r.pending[sent].request); errors.Is(err, io.EOF) {
				return r.rest(open, sent)
			} else if err != nil {
				return err
			}
		}
		if sent == 0 {
			return end(open)
		}
		if err := r.answer(open); err != nil {
			return err
		}
	}
}

// fill adds a batch to what is pending. It is false when there are no more.
func (r *run) fill() (bool, error) {
	next, err := r.batches.next()
	if next == nil || err != nil {
		return false, err
	}
	r.pending = append(r.pending, next)
	return true, nil
}

// answer waits for the outcome of the oldest batch.
func (r *run) answer(open *stream) error {
	response, err := open.Receive()
	if errors.Is(err, io.EOF) {
		return connect.NewError(connect.CodeUnavailable, errors.New("the server ended the stream early"))
	}
	if err != nil {
		return err
	}
	return r.settle(response)
}

// rest takes the answers that came before the server gave up, and returns why it did.
func (r *run) rest(open *stream, sent int) error {
	for range sent {
		if err := r.answer(open); err != nil {
			return err
		}
	}
	if _, err := open.Receive(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return connect.NewError(connect.CodeUnavailable, errors.New("the server ended the stream early"))
}

// end closes a stream on which everything was answered.
func end(open *stream) error {
	if err := open.CloseRequest(); err != nil {
		return err
	}
	if _, err := open.Receive(); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		return err
	}
	return fmt.Errorf("%w: more answers than requests", errProtocol)
}
