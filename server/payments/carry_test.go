package payments_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/payments"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// hasty is a store that gives up on a change while it is still being decided on, as one does whose caller
// runs out of time in the middle of a batch.
type hasty struct {
	store.Store
	deciding sync.WaitGroup
}

func (h *hasty) ChangePayment(_ context.Context, c store.PaymentChange) (payment.Record, error) {
	h.deciding.Go(func() { _, _ = c.Decide(payment.Record{}) })
	return payment.Record{}, fault.New(fault.KindUnavailable, fault.ReasonDatabaseDown, "out of time")
}

// TestService_hasty shows what it is about to the race detector alone.
func TestService_hasty(t *testing.T) {
	t.Run("what is still being decided on is not looked at, and the gateway not called", func(t *testing.T) {
		s := newShop(t)
		h := &hasty{Store: s.store}
		_, err := s.service(h, s.fake).Authorize(t.Context(), wish(newOrder(), "tok_ok"))
		requireReason(t, fault.ReasonDatabaseDown, err)
		h.deciding.Wait()
		require.Zero(t, s.fake.calls)
	})
}

// nosy is a store that does something between the moment that a first wish is recorded and that its caller knows.
type nosy struct {
	store.Store
	once sync.Once
	do   func(payment.Record)
}

func (n *nosy) ChangePayment(ctx context.Context, c store.PaymentChange) (payment.Record, error) {
	r, err := n.Store.ChangePayment(ctx, c)
	if err == nil {
		n.once.Do(func() { n.do(r) })
	}
	return r, err
}

func TestService_nosy(t *testing.T) {
	t.Run("what is recorded and about to be sent is not given up for never having happened", func(t *testing.T) {
		s := newShop(t)
		kept := &nosy{Store: s.store}
		one := s.service(kept, s.fake)
		kept.do = func(r payment.Record) {
			p, err := one.Settle(t.Context(), r.Payment.ID)
			require.NoError(t, err)
			require.Equal(t, payment.Authorizing, p.State)
			_, err = one.Void(t.Context(), payments.Change{PaymentID: p.ID, Key: "cancel/void"})
			requireReason(t, fault.ReasonPaymentBusy, err)
		}
		r, err := one.Authorize(t.Context(), wish(newOrder(), "tok_ok"))
		require.NoError(t, err)
		require.Equal(t, payment.Authorized, r.Payment.State)
		s.requireSound()
	})
}
