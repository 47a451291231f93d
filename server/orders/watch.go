package orders

import (
	"context"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

// watchEvery is how often a watched order is read without being told of a change: another process may
// have changed it.
const watchEvery = 2 * time.Second

// Watch gives the order to send as it stands, and again when it has changed, until it has reached its
// end, the context ends, the hub is closed or send fails. While send takes its time changes add up:
// it gets the newest state only.
func (s *Service) Watch(ctx context.Context, orderID order.ID, send func(order.Order) error) error {
	changed, leave := s.Hub.watch(orderID) // before the first look, so that no change is missed
	defer leave()
	poll := time.NewTicker(watchEvery)
	defer poll.Stop()
	for sent := int64(0); ; {
		o, err := s.current(ctx, orderID)
		if err != nil {
			return err
		}
		if o.Version != sent {
			if err := send(o); err != nil {
				return err
			}
			sent = o.Version
		}
		if o.Lifecycle.Final() {
			return nil
		}
		select {
		case <-changed:
		case <-poll.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.Hub.closed:
			return fault.New(fault.KindUnavailable, fault.ReasonShuttingDown, "the server is shutting down; call again")
		}
	}
}
