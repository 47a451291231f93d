package replay

import (
	"context"
	"io"
	"time"

	"github.com/orderprocessing/orderprocessing/clients/importer"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
)

// sale is an order that was sent on its way. done is closed when it has gone as far as it goes.
type sale struct {
	number int             // among the orders of the replay, from 0
	order  *ordersv1.Order // as it was asked for
	left   []int64         // what may still come back of each line
	done   chan struct{}

	// After done:
	id        string
	completed bool // delivered and paid
}

// sell carries an order from placed to delivered, as far as it goes. An error ends the replay.
func (r *run) sell(ctx context.Context, doc *importer.Document, s *sale) error {
	defer close(s.done)
	placed, err := persist(ctx, r, r.timed(r.client.Orders.CreateOrder), &ordersv1.CreateOrderRequest{
		RequestId: r.request("order", doc.Source, doc.Number), Order: s.order,
		PaymentMethod: r.PaymentMethods[s.number%len(r.PaymentMethods)],
	})
	switch {
	case err != nil && refused(err):
		r.tally.rejected(reasonOf(err))
		return nil
	case err != nil:
		return err
	}
	r.tally.placed()
	s.id = placed.GetOrder().GetId()
	o, err := r.confirmed(ctx, placed.GetOrder())
	if err == nil && o.GetLifecycle() == ordersv1.Lifecycle_LIFECYCLE_CONFIRMED && doc.Delivered && !r.Confirmed {
		o, err = r.deliver(ctx, o, s.number%severalParcels == severalParcels-1)
	}
	if err != nil && !refused(err) {
		return err
	}
	s.completed = o.GetLifecycle() == ordersv1.Lifecycle_LIFECYCLE_COMPLETED
	r.tally.ended(o, err)
	return nil
}

type create = func(context.Context, *ordersv1.CreateOrderRequest) (*ordersv1.CreateOrderResponse, error)

// timed measures the calls that are answered.
func (r *run) timed(call create) create {
	return func(ctx context.Context, request *ordersv1.CreateOrderRequest) (*ordersv1.CreateOrderResponse, error) {
		began := time.Now()
		response, err := call(ctx, request)
		if err == nil {
			r.tally.created(time.Since(began))
		}
		return response, err
	}
}

// confirmed waits until an order is decided upon. One that is held for a look at its risk is let go on.
func (r *run) confirmed(ctx context.Context, o *ordersv1.Order) (*ordersv1.Order, error) {
	for {
		now, err := r.until(ctx, o, func(o *ordersv1.Order) bool {
			switch o.GetLifecycle() {
			case ordersv1.Lifecycle_LIFECYCLE_PENDING, ordersv1.Lifecycle_LIFECYCLE_CANCELING:
				return false
			case ordersv1.Lifecycle_LIFECYCLE_CONFIRMED: // what has nothing to send completes by itself
				return len(goods(o)) > 0
			default:
				return true
			}
		})
		if err != nil {
			return now, err
		}
		if now.GetLifecycle() != ordersv1.Lifecycle_LIFECYCLE_ON_HOLD {
			r.tally.confirmed(now)
			return now, nil
		}
		r.tally.held()
		if _, err := persist(ctx, r, r.client.Orders.ResumeOrder, &ordersv1.ResumeOrderRequest{
			OrderId: now.GetId(), RequestId: r.request("resume", now.GetId(), now.GetEtag()),
		}); err != nil {
			return now, err
		}
		o = now
	}
}

// until watches an order until it is as wanted, or for as long as the replay is patient with it. Each
// order costs the server two reads, however long it takes: it tells of a change when there is one.
// Asking now and then costs as many when all is well, and more the busier the server is.
func (r *run) until(ctx context.Context, o *ordersv1.Order, wanted func(*ordersv1.Order) bool) (*ordersv1.Order, error) {
	patient, cancel := context.WithTimeout(ctx, r.Patience)
	defer cancel()
	for {
		now, err := persist(patient, r, r.watch, watching{o.GetId(), wanted})
		if now != nil {
			o = now
		}
		switch {
		case err != nil && ctx.Err() == nil && patient.Err() != nil:
			return o, nil // counted where it is
		case err != nil || wanted(o):
			return o, err
		}
	}
}

// watching is an order that is watched until it is as wanted.
type watching struct {
	orderID string
	wanted  func(*ordersv1.Order) bool
}

// watch gives an order as wanted, or as it stood when the stream was lost.
func (r *run) watch(ctx context.Context, w watching) (o *ordersv1.Order, err error) {
	stream, err := r.client.Orders.WatchOrder(ctx, &ordersv1.WatchOrderRequest{OrderId: w.orderID})
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	for stream.Receive() {
		if o = stream.Msg().GetOrder(); w.wanted(o) {
			return o, nil
		}
	}
	switch {
	case o != nil:
		return o, ctx.Err()
	case stream.Err() != nil:
		return nil, stream.Err()
	default:
		return nil, io.ErrUnexpectedEOF
	}
}
