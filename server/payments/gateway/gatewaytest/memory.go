package gatewaytest

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
)

// keys holds idempotency.
func keys(t *testing.T, b *Bench) {
	t.Run("the same request again gets the same answer and moves nothing", func(t *testing.T) {
		p := b.fresh()
		first, err := p.Gateway.Authorize(t.Context(), p.authorizing(1000, "ok"))
		require.NoError(t, err)
		again, err := p.Gateway.Authorize(t.Context(), p.authorizing(1000, "ok"))
		require.NoError(t, err)
		require.Equal(t, first, again)
		a := first.Authorization
		require.Equal(t, p.capture(t, a, "capture", 600, false), p.capture(t, a, "capture", 600, false))
		refund, err := p.Gateway.Refund(t.Context(), p.refunding(a, "refund", 100))
		require.NoError(t, err)
		repeated, err := p.Gateway.Refund(t.Context(), p.refunding(a, "refund", 100))
		require.NoError(t, err)
		require.Equal(t, refund, repeated)
		sums, lines := p.moved(t)
		require.Equal(t, map[gateway.MovementKind]money.Minor{
			gateway.MovementAuthorized: 1000, gateway.MovementCaptured: 600, gateway.MovementRefunded: 100,
		}, sums)
		require.Equal(t, 3, lines)
	})
	t.Run("another request with the same key is refused", func(t *testing.T) {
		p := b.fresh()
		a := p.authorize(t, "ok")
		_, err := p.Gateway.Authorize(t.Context(), p.authorizing(1001, "ok"))
		refused(t, err, fault.KindExists, fault.ReasonRequestIDReused)
		_, err = p.Gateway.Capture(t.Context(), p.capturing(a, "authorize", 1000, false))
		refused(t, err, fault.KindExists, fault.ReasonRequestIDReused)
		_, lines := p.moved(t)
		require.Equal(t, 1, lines)
	})
	t.Run("a refused request leaves its key free", func(t *testing.T) {
		p := b.fresh()
		a := p.authorize(t, "ok")
		_, err := p.Gateway.Capture(t.Context(), p.capturing(a, "capture", 1001, false))
		refused(t, err, fault.KindPrecondition, fault.ReasonCaptureTooLarge)
		require.Equal(t, gateway.FateNeverHappened, p.inquire(t, gateway.OperationCapture, a, "capture").Fate)
		p.capture(t, a, "capture", 1000, false)
	})
}

func captures(t *testing.T, b *Bench) {
	t.Run("several captures add up to the authorization and no further", func(t *testing.T) {
		p := b.fresh()
		a := p.authorize(t, "ok")
		require.EqualValues(t, 300, p.capture(t, a, "ship-1", 300, false).Amount)
		_, err := p.Gateway.Capture(t.Context(), p.capturing(a, "ship-2", 701, false))
		refused(t, err, fault.KindPrecondition, fault.ReasonCaptureTooLarge)
		p.capture(t, a, "ship-3", 700, false)
		_, err = p.Gateway.Capture(t.Context(), p.capturing(a, "ship-4", 1, false))
		refused(t, err, fault.KindPrecondition, fault.ReasonCaptureTooLarge)
		sums, _ := p.moved(t)
		require.EqualValues(t, 1000, sums[gateway.MovementCaptured])
	})
	t.Run("a final capture releases the rest and closes the authorization", func(t *testing.T) {
		p := b.fresh()
		a := p.authorize(t, "ok")
		p.capture(t, a, "ship-1", 300, true)
		_, err := p.Gateway.Capture(t.Context(), p.capturing(a, "ship-2", 1, false))
		refused(t, err, fault.KindPrecondition, fault.ReasonAuthorizationClosed)
		sums, _ := p.moved(t)
		require.EqualValues(t, 300, sums[gateway.MovementCaptured])
		require.EqualValues(t, 700, sums[gateway.MovementReleased])
	})
	t.Run("a final capture of nothing releases the rest, but is not the first", func(t *testing.T) {
		p := b.fresh()
		a := p.authorize(t, "ok")
		_, err := p.Gateway.Capture(t.Context(), p.capturing(a, "end", 0, true))
		refused(t, err, fault.KindInvalid, fault.ReasonAmountInvalid)
		p.capture(t, a, "ship-1", 300, false)
		p.capture(t, a, "end", 0, true)
		sums, _ := p.moved(t)
		require.EqualValues(t, 700, sums[gateway.MovementReleased])
	})
	t.Run("an authorization that is not there is not found", func(t *testing.T) {
		p := b.fresh()
		_, err := p.Gateway.Capture(t.Context(), p.capturing("auth_nobody", "ship-1", 300, false))
		refused(t, err, fault.KindNotFound, fault.ReasonAuthorizationMissing)
	})
}

func owners(t *testing.T, b *Bench) {
	t.Run("another currency is refused", func(t *testing.T) {
		p := b.fresh()
		r := p.capturing(p.authorize(t, "ok"), "ship-1", 300, false)
		r.Currency = "EUR"
		_, err := p.Gateway.Capture(t.Context(), r)
		refused(t, err, fault.KindInvalid, fault.ReasonCurrencyMismatch)
	})
	t.Run("another payment's authorization is not found", func(t *testing.T) {
		p, other := b.fresh(), b.fresh()
		_, err := p.Gateway.Capture(t.Context(), p.capturing(other.authorize(t, "ok"), "ship-1", 300, false))
		refused(t, err, fault.KindNotFound, fault.ReasonAuthorizationMissing)
	})
}

func voids(t *testing.T, b *Bench) {
	t.Run("a void releases all, and voiding again changes nothing", func(t *testing.T) {
		p := b.fresh()
		a := p.authorize(t, "ok")
		for _, step := range []string{"void", "void", "void-again"} {
			got, err := p.Gateway.Void(t.Context(), p.voiding(a, step))
			require.NoError(t, err)
			require.Equal(t, gateway.OutcomeDone, got.Outcome)
		}
		sums, lines := p.moved(t)
		require.EqualValues(t, 1000, sums[gateway.MovementReleased])
		require.Equal(t, 2, lines)
	})
	t.Run("what was voided cannot be captured or refunded", func(t *testing.T) {
		p := b.fresh()
		a := p.authorize(t, "ok")
		_, err := p.Gateway.Void(t.Context(), p.voiding(a, "void"))
		require.NoError(t, err)
		_, err = p.Gateway.Capture(t.Context(), p.capturing(a, "ship", 1, false))
		refused(t, err, fault.KindPrecondition, fault.ReasonAuthorizationClosed)
		_, err = p.Gateway.Refund(t.Context(), p.refunding(a, "refund", 1))
		refused(t, err, fault.KindPrecondition, fault.ReasonRefundTooLarge)
	})
	t.Run("what was captured in part cannot be voided", func(t *testing.T) {
		p := b.fresh()
		a := p.authorize(t, "ok")
		p.capture(t, a, "ship", 1, false)
		_, err := p.Gateway.Void(t.Context(), p.voiding(a, "void"))
		refused(t, err, fault.KindPrecondition, fault.ReasonPaymentCaptured)
	})
}

func refunds(t *testing.T, b *Bench) {
	t.Run("several refunds add up to what was captured and no further", func(t *testing.T) {
		p := b.fresh()
		a := p.authorize(t, "ok")
		p.capture(t, a, "ship-1", 400, false)
		_, err := p.Gateway.Refund(t.Context(), p.refunding(a, "return-1", 401))
		refused(t, err, fault.KindPrecondition, fault.ReasonRefundTooLarge)
		for _, step := range []string{"return-2", "return-3"} {
			got, err := p.Gateway.Refund(t.Context(), p.refunding(a, step, 200))
			require.NoError(t, err)
			require.Equal(t, gateway.OutcomeDone, got.Outcome)
			require.EqualValues(t, 200, got.Amount)
		}
		_, err = p.Gateway.Refund(t.Context(), p.refunding(a, "return-4", 1))
		refused(t, err, fault.KindPrecondition, fault.ReasonRefundTooLarge)
		sums, _ := p.moved(t)
		require.EqualValues(t, 400, sums[gateway.MovementRefunded])
	})
}

func inquiries(t *testing.T, b *Bench) {
	t.Run("what was done is told as it was answered", func(t *testing.T) {
		p := b.fresh()
		first, err := p.Gateway.Authorize(t.Context(), p.authorizing(1000, "ok"))
		require.NoError(t, err)
		require.Equal(t, gateway.Inquiry{Fate: gateway.FateHappened, Result: first}, p.inquire(t, gateway.OperationAuthorize, "", "authorize"))
		a := first.Authorization
		captured := p.capture(t, a, "ship", 400, false)
		require.Equal(t, gateway.Inquiry{Fate: gateway.FateHappened, Result: captured}, p.inquire(t, gateway.OperationCapture, a, "ship"))
		refund, err := p.Gateway.Refund(t.Context(), p.refunding(a, "return", 100))
		require.NoError(t, err)
		require.Equal(t, gateway.Inquiry{Fate: gateway.FateHappened, Result: refund}, p.inquire(t, gateway.OperationRefund, a, "return"))
		q := b.fresh()
		a = q.authorize(t, "ok")
		void, err := q.Gateway.Void(t.Context(), q.voiding(a, "void"))
		require.NoError(t, err)
		require.Equal(t, gateway.Inquiry{Fate: gateway.FateHappened, Result: void}, q.inquire(t, gateway.OperationVoid, a, "void"))
	})
	t.Run("what nobody sent never happened, and asking does not make it happen", func(t *testing.T) {
		p := b.fresh()
		a := p.authorize(t, "ok")
		for _, o := range []gateway.Operation{gateway.OperationCapture, gateway.OperationVoid, gateway.OperationRefund} {
			require.Equal(t, gateway.Inquiry{Fate: gateway.FateNeverHappened}, p.inquire(t, o, a, "never-"+string(o)))
		}
		require.Equal(t, gateway.Inquiry{Fate: gateway.FateNeverHappened}, b.fresh().inquire(t, gateway.OperationAuthorize, "", "authorize"))
		_, lines := p.moved(t)
		require.Equal(t, 1, lines)
	})
}

// callers is how many use one key at once.
const callers = 32

func concurrency(t *testing.T, b *Bench) {
	atOnce := func(t *testing.T, call func(n int) (gateway.Result, error)) (results []gateway.Result, errs []error) {
		t.Helper()
		results, errs = make([]gateway.Result, callers), make([]error, callers)
		var all sync.WaitGroup
		start := make(chan struct{})
		for n := range callers {
			all.Go(func() {
				<-start
				results[n], errs[n] = call(n)
			})
		}
		close(start)
		all.Wait()
		return results, errs
	}
	t.Run("thirty-two callers with one key move money once", func(t *testing.T) {
		p := b.fresh()
		results, errs := atOnce(t, func(int) (gateway.Result, error) {
			return p.Gateway.Authorize(t.Context(), p.authorizing(1000, "ok"))
		})
		a := p.authorize(t, "ok")
		for n, err := range errs {
			if gateway.IsUnknown(err) || gateway.IsTemporary(err) {
				continue // another's was still being done
			}
			require.NoError(t, err)
			require.Equal(t, a, results[n].Authorization)
		}
		sums, lines := p.moved(t)
		require.EqualValues(t, 1000, sums[gateway.MovementAuthorized])
		require.Equal(t, 1, lines)
	})
	t.Run("thirty-two captures of a tenth take ten tenths", func(t *testing.T) {
		p := b.fresh()
		a := p.authorize(t, "ok")
		_, errs := atOnce(t, func(n int) (gateway.Result, error) {
			return p.Gateway.Capture(t.Context(), p.capturing(a, text("ship-%d", n), 100, false))
		})
		taken := 0
		for _, err := range errs {
			if err == nil {
				taken++
				continue
			}
			refused(t, err, fault.KindPrecondition, fault.ReasonCaptureTooLarge)
		}
		require.Equal(t, 10, taken)
		sums, _ := p.moved(t)
		require.EqualValues(t, 1000, sums[gateway.MovementCaptured])
	})
}

func ledger(t *testing.T, b *Bench) {
	t.Run("each authorization adds up: captured, released and still reserved", func(t *testing.T) {
		p := b.fresh()
		a := p.authorize(t, "ok")
		p.capture(t, a, "ship-1", 250, false)
		p.capture(t, a, "ship-2", 500, true)
		_, err := p.Gateway.Refund(t.Context(), p.refunding(a, "return", 300))
		require.NoError(t, err)
		sums, _ := p.moved(t)
		require.Equal(t, map[gateway.MovementKind]money.Minor{
			gateway.MovementAuthorized: 1000, gateway.MovementCaptured: 750, gateway.MovementReleased: 250, gateway.MovementRefunded: 300,
		}, sums)
	})
	t.Run("pages follow each other without gaps, and name keys and authorizations", func(t *testing.T) {
		began := b.Now().Add(-time.Second)
		payments := map[string]*payment{}
		for range 7 {
			p := b.fresh()
			payments[p.id] = p
			p.authorize(t, "ok")
		}
		seen := map[string]bool{}
		r := gateway.LedgerRequest{Since: began, Limit: 3}
		for {
			page, err := b.Gateway.Ledger(t.Context(), r)
			require.NoError(t, err)
			for _, m := range page.Movements {
				require.False(t, seen[m.ID], "no movement comes twice")
				seen[m.ID] = true
				if p := payments[m.Payment]; p != nil {
					require.Equal(t, gateway.Key(p.key+"authorize"), m.Key)
					require.NotEmpty(t, m.Authorization)
					require.Equal(t, currency, m.Currency)
					require.WithinDuration(t, b.Now(), m.At, time.Minute)
					delete(payments, m.Payment)
				}
			}
			if r.Cursor = page.Next; r.Cursor == "" {
				break
			}
		}
		require.Empty(t, payments)
	})
	t.Run("what is older than asked for stays out", func(t *testing.T) {
		p := b.fresh()
		p.authorize(t, "ok")
		page, err := b.Gateway.Ledger(t.Context(), gateway.LedgerRequest{Since: b.Now().Add(time.Minute)})
		require.NoError(t, err)
		require.Empty(t, page.Movements)
	})
}
