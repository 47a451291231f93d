package payments

import (
	"context"
	"errors"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// noEvent stands for what nobody told us unasked.
var noEvent store.PaymentEvent

// Settle asks the gateway what became of every operation of a payment whose end is not known, and
// records what it tells. What never happened is as if it had not been sent: the same wish sends it
// again, and a void gives it up. It fails with PAYMENT_UNKNOWN when the gateway cannot be asked.
func (s *Service) Settle(ctx context.Context, paymentID payment.ID) (payment.Payment, error) {
	p, operations, err := s.read(ctx, paymentID)
	if err != nil {
		return p, err
	}
	for _, o := range operations {
		if _, sending := s.sending.Load(o.ID.UUID); sending || !o.State.Open() {
			continue
		}
		r, _, err := s.inquire(ctx, payment.Record{Payment: p, Operation: o}, true) // whoever asked for it may be gone
		if err != nil {
			return p, err
		}
		p = r.Payment
	}
	return p, nil
}

// Settled tells what a sweep did.
type Settled struct {
	Asked int // operations that were asked about
	Ended int // of these, whose end is known now
}

// SettleOpen settles the operations that have been waiting for longest, at most limit of a shard,
// and longer than waited. One that cannot be asked about does not stop the others; its error is
// among those returned.
func (s *Service) SettleOpen(ctx context.Context, waited time.Duration, limit int) (done Settled, err error) {
	open, err := s.Store.OpenOperations(ctx, s.clock().Add(-waited), limit)
	if err != nil {
		return done, err
	}
	for _, o := range open {
		if _, sending := s.sending.Load(o.ID.UUID); sending {
			continue
		}
		p, failed := s.Store.Payment(ctx, o.PaymentID)
		if failed == nil {
			done.Asked++
			var r payment.Record
			r, _, failed = s.inquire(ctx, payment.Record{Payment: p, Operation: o}, true)
			if failed == nil && !r.Operation.State.Open() {
				done.Ended++
				failed = s.tell(ctx, p)
			}
		}
		err = errors.Join(err, failed)
		if ctx.Err() != nil {
			return done, ctx.Err()
		}
	}
	return done, err
}
