package client

import (
	"context"
	"iter"

	"github.com/orderprocessing/orderprocessing/clients/go/internal/retry"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
)

// Watch gives an order as it stands, and again whenever it has changed, until it has reached its end or
// the context ends; that has no deadline unless you set one. No state comes twice; several changes may
// come as one.
//
// It goes on by itself when the connection breaks or the server goes away, for as long as the context
// lasts. Only while nothing was ever received it gives up as other calls do. An error is the last thing
// that it gives.
func (c *Client) Watch(ctx context.Context, orderID string) iter.Seq2[*ordersv1.Order, error] {
	return func(yield func(*ordersv1.Order, error) bool) {
		etag := ""
		for tries := 1; ; tries++ {
			stop, err := c.watchOnce(ctx, orderID, func(o *ordersv1.Order) bool {
				tries = 0
				if o.GetEtag() == etag {
					return true
				}
				etag = o.GetEtag()
				return yield(o, nil)
			})
			if stop || err == nil {
				return
			}
			if !passes(ctx, err) || etag == "" && tries >= c.calls.tries {
				yield(nil, err)
				return
			}
			delay := retry.Backoff(min(max(tries, 1), retry.MaxTries))
			if asked, ok := RetryAfter(err); ok {
				delay += asked
			}
			if stopped := c.calls.wait(ctx, delay); stopped != nil {
				yield(nil, interrupted(stopped, err))
				return
			}
		}
	}
}

// watchOnce watches over one stream until that ends, or take has had enough.
func (c *Client) watchOnce(ctx context.Context, orderID string, take func(*ordersv1.Order) bool) (stop bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // or closing would wait for what is still sent
	stream, err := c.Orders.WatchOrder(ctx, &ordersv1.WatchOrderRequest{OrderId: orderID})
	if err != nil {
		return false, err
	}
	defer stream.Close()
	for stream.Receive() {
		if !take(stream.Msg().GetOrder()) {
			return true, nil
		}
	}
	return false, stream.Err()
}
