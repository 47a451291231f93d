package payments_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/payments"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
	"github.com/orderprocessing/orderprocessing/server/store"
)

func TestService_Unknown(t *testing.T) {
	for name, c := range map[string]struct {
		trouble trouble
		charged money.Minor
		state   payment.State
	}{
		"before the effect": {lostBefore, 0, payment.Created},
		"after the effect":  {lostAfter, 100, payment.Authorized},
	} {
		t.Run("no answer, lost "+name+": recorded as unknown, settled by asking", func(t *testing.T) {
			s := newShop(t)
			s.fake.trouble = c.trouble
			w := wish(newOrder(), "tok_ok")
			r, err := s.Authorize(t.Context(), w)
			requireReason(t, fault.ReasonPaymentUnknown, err)
			require.Equal(t, payment.Unknown, r.Payment.State)
			p, err := s.Settle(t.Context(), r.Payment.ID)
			require.NoError(t, err)
			require.Equal(t, c.state, p.State)
			require.Equal(t, c.charged, s.fake.total(gateway.MovementAuthorized))
			r, err = s.Authorize(t.Context(), w) // whoever wished goes on
			require.NoError(t, err)
			require.Equal(t, payment.Authorized, r.Payment.State)
			require.Equal(t, money.Minor(100), s.fake.total(gateway.MovementAuthorized))
			s.requireSound()
		})
		t.Run("a rejected order voids what was lost "+name+" if it happened, and nothing else", func(t *testing.T) {
			s := newShop(t)
			s.fake.trouble = c.trouble
			r, err := s.Authorize(t.Context(), wish(newOrder(), "tok_ok"))
			requireReason(t, fault.ReasonPaymentUnknown, err)
			calls := s.fake.calls
			r, err = s.Void(t.Context(), payments.Change{PaymentID: r.Payment.ID, Key: "reject/void"})
			require.NoError(t, err)
			require.Equal(t, payment.Voided, r.Payment.State)
			require.Equal(t, c.charged, s.fake.total(gateway.MovementReleased))
			require.Equal(t, c.charged > 0, s.fake.calls > calls)
			s.requireSound()
		})
		t.Run("a capture that was lost "+name+" takes once", func(t *testing.T) {
			s := newShop(t)
			p := s.authorized()
			s.fake.trouble = c.trouble
			change := payments.Change{PaymentID: p.ID, Amount: 100, Key: "ship"}
			_, err := s.Capture(t.Context(), change)
			requireReason(t, fault.ReasonPaymentUnknown, err)
			_, err = s.Capture(t.Context(), change)
			require.NoError(t, err)
			require.Equal(t, money.Minor(100), s.fake.total(gateway.MovementCaptured))
			s.fake.trouble = c.trouble
			change.Key = "return"
			_, err = s.Refund(t.Context(), change)
			requireReason(t, fault.ReasonPaymentUnknown, err)
			_, err = s.Refund(t.Context(), change)
			require.NoError(t, err)
			require.Equal(t, money.Minor(100), s.fake.total(gateway.MovementRefunded))
			s.requireSound()
		})
	}
	t.Run("what is unknown stays so while the gateway cannot be asked, and is listed, not a violation", func(t *testing.T) {
		s := newShop(t)
		s.fake.trouble = lostAfter
		r, err := s.Authorize(t.Context(), wish(newOrder(), "tok_ok"))
		requireReason(t, fault.ReasonPaymentUnknown, err)
		s.fake.deaf = true
		_, err = s.Settle(t.Context(), r.Payment.ID)
		requireReason(t, fault.ReasonPaymentUnknown, err)
		_, err = s.Void(t.Context(), payments.Change{PaymentID: r.Payment.ID, Key: "void"})
		requireReason(t, fault.ReasonPaymentUnknown, err)
		found, err := s.Reconcile(t.Context(), "test", time.Time{})
		require.NoError(t, err)
		require.Len(t, found.Differences, 1)
		require.True(t, found.Differences[0].Unknown)
		s.fake.deaf = false
		done, err := s.SettleOpen(t.Context(), -time.Hour, 10)
		require.NoError(t, err)
		require.Equal(t, payments.Settled{Asked: 1, Ended: 1}, done)
		s.requireSound()
	})
	t.Run("while the gateway cannot tell yet, the same wish is sent again with its key", func(t *testing.T) {
		s := newShop(t)
		s.fake.trouble, s.fake.unsure = lostBefore, true
		w := wish(newOrder(), "tok_ok")
		_, err := s.Authorize(t.Context(), w)
		requireReason(t, fault.ReasonPaymentUnknown, err)
		done, err := s.SettleOpen(t.Context(), -time.Hour, 10)
		require.NoError(t, err)
		require.Equal(t, payments.Settled{Asked: 1}, done)
		s.fake.trouble = turnedAway
		_, err = s.Authorize(t.Context(), w)
		requireReason(t, fault.ReasonPaymentUnknown, err) // the first sending may yet have happened
		r, err := s.Authorize(t.Context(), w)
		require.NoError(t, err)
		require.Equal(t, payment.Authorized, r.Payment.State)
		s.requireSound()
	})
	t.Run("turned away is not unknown: nothing happened, and the same wish goes on", func(t *testing.T) {
		s := newShop(t)
		s.fake.trouble = turnedAway
		w := wish(newOrder(), "tok_ok")
		r, err := s.Authorize(t.Context(), w)
		requireReason(t, fault.ReasonGatewayUnavailable, err)
		require.Equal(t, payment.Created, r.Payment.State)
		r, err = s.Authorize(t.Context(), w)
		require.NoError(t, err)
		require.Equal(t, payment.Authorized, r.Payment.State)
		s.requireSound()
	})
	t.Run("a caller that goes away does not make it unknown", func(t *testing.T) {
		s := newShop(t)
		s.fake.trouble, s.fake.release = slowly, make(chan struct{})
		w := wish(newOrder(), "tok_ok")
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error)
		go func() {
			_, err := s.Authorize(ctx, w)
			gone <- err
		}()
		require.Eventually(t, func() bool {
			called := false
			s.fake.with(func(f *fake) { called = f.calls == 1 })
			return called
		}, 5*time.Second, time.Millisecond)
		cancel()
		require.ErrorIs(t, <-gone, context.Canceled)
		close(s.fake.release)
		r, err := s.Authorize(t.Context(), w)
		require.NoError(t, err)
		require.Equal(t, payment.Authorized, r.Payment.State)
		require.Equal(t, money.Minor(100), s.fake.total(gateway.MovementAuthorized))
	})
}

// kept is what is stored; its own name would hide a method.
type kept = store.Payments

// mortal is a store that a process loses when it is killed.
type mortal struct {
	kept
	dead atomic.Bool
}

var errKilled = errors.New("the process was killed")

func (m *mortal) ChangePayment(ctx context.Context, c store.PaymentChange) (payment.Record, error) {
	if m.dead.Load() {
		return payment.Record{}, errKilled
	}
	return m.kept.ChangePayment(ctx, c)
}

// killer is a gateway that kills the process before or after it acted.
type killer struct {
	*fake
	process *mortal
	acts    bool
}

func (k *killer) Authorize(ctx context.Context, r gateway.AuthorizeRequest) (gateway.Result, error) {
	k.process.dead.Store(true)
	if !k.acts {
		return gateway.Result{}, gateway.Unknown(nil)
	}
	return k.fake.Authorize(ctx, r)
}

func TestService_Crash(t *testing.T) {
	for acts, state := range map[bool]payment.State{true: payment.Authorized, false: payment.Created} {
		t.Run(fmt.Sprintf("killed between intent and outcome, charged %v: a fresh process settles it", acts), func(t *testing.T) {
			s := newShop(t)
			process := &mortal{kept: s.store}
			w := wish(newOrder(), "tok_ok")
			_, err := s.service(process, &killer{s.fake, process, acts}).Authorize(t.Context(), w)
			require.ErrorIs(t, err, errKilled)
			open, err := s.store.OpenOperations(t.Context(), time.Now().Add(time.Minute), 10)
			require.NoError(t, err)
			require.Len(t, open, 1)
			require.Equal(t, payment.Submitted, open[0].State)
			done, err := s.SettleOpen(t.Context(), -time.Minute, 10)
			require.NoError(t, err)
			require.Equal(t, payments.Settled{Asked: 1, Ended: 1}, done)
			p, _, err := s.Get(asStaff(t), open[0].PaymentID)
			require.NoError(t, err)
			require.Equal(t, state, p.State)
			s.requireSound()
			r, err := s.Authorize(t.Context(), w)
			require.NoError(t, err)
			require.Equal(t, payment.Authorized, r.Payment.State)
			require.Equal(t, money.Minor(100), s.fake.total(gateway.MovementAuthorized))
			s.requireSound()
		})
	}
}
