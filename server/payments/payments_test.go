package payments_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/contract"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/pagetoken"
	"github.com/orderprocessing/orderprocessing/server/payments"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/entstore"
	"github.com/orderprocessing/orderprocessing/server/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shop is a service over a store and a gateway.
type shop struct {
	*payments.Service
	t     *testing.T
	store store.Store
	fake  *fake
}

func newShop(t *testing.T) *shop {
	t.Helper()
	d, err := database.Open(t.Context(), storetest.SQLite(1)(t)[0], database.Options{})
	require.NoError(t, err)
	s := entstore.New(d, entstore.Options{Now: time.Now})
	t.Cleanup(func() { require.NoError(t, s.Close(context.WithoutCancel(t.Context()))) })
	sh := &shop{t: t, store: s, fake: newFake()}
	sh.Service = sh.service(s, sh.fake)
	return sh
}

// service gives another process over a store.
func (s *shop) service(kept store.Payments, g gateway.Gateway) *payments.Service {
	one := payments.New(payments.Options{
		Store: kept, Orders: s.store, Gateways: map[string]gateway.Gateway{"test": g}, Current: "test",
		Tokens: pagetoken.New([]byte("key")), Now: time.Now, CallTimeout: 5 * time.Second,
	})
	s.t.Cleanup(func() { require.NoError(s.t, one.Close(context.WithoutCancel(s.t.Context()))) })
	return one
}

// asStaff gives a context of a call by staff.
func asStaff(t *testing.T) context.Context {
	return auth.WithCaller(t.Context(), auth.Caller{ID: "usr_1", Roles: []auth.Role{auth.Staff}})
}

func newOrder() order.ID { return order.NewID(time.Now(), "cus_1", "") }

func wish(orderID order.ID, token string) payments.Authorize {
	return payments.Authorize{
		OrderID: orderID, CustomerID: "cus_1", Currency: "GBP", Amount: 100, Method: token, Key: "place/authorize",
	}
}

// authorized gives a payment of 100 that is set aside.
func (s *shop) authorized() payment.Payment {
	s.t.Helper()
	r, err := s.Authorize(s.t.Context(), wish(newOrder(), "tok_ok"))
	require.NoError(s.t, err)
	require.Equal(s.t, payment.Authorized, r.Payment.State)
	return r.Payment
}

// requireSound makes sure that the books are in order and that the gateway agrees.
func (s *shop) requireSound() {
	s.t.Helper()
	page, err := s.store.AuditPayments(s.t.Context(), payment.ID{}.UUID, 1000)
	require.NoError(s.t, err)
	for _, a := range page {
		require.Empty(s.t, payment.Inspect(a.Payment, a.Operations, a.Entries))
	}
	found, err := s.Reconcile(s.t.Context(), "test", time.Time{})
	require.NoError(s.t, err)
	require.Empty(s.t, found.Differences)
}

func requireReason(t *testing.T, want fault.Reason, err error) {
	t.Helper()
	require.Equal(t, want, fault.ReasonOf(err), "%v", err)
}

func TestService(t *testing.T) {
	t.Run("money is set aside, taken in parts and given back in parts", func(t *testing.T) {
		s := newShop(t)
		p := s.authorized()
		require.False(t, p.Expires.IsZero())
		r, err := s.Capture(t.Context(), payments.Change{PaymentID: p.ID, Amount: 30, Key: "ship/1"})
		require.NoError(t, err)
		require.Equal(t, payment.Captured, r.Payment.State)
		r, err = s.Capture(t.Context(), payments.Change{PaymentID: p.ID, Amount: 50, Final: true, Key: "ship/2"})
		require.NoError(t, err)
		require.Equal(t, money.Minor(20), r.Payment.Released)
		for i, amount := range []money.Minor{30, 50} {
			r, err = s.Refund(t.Context(), payments.Change{PaymentID: p.ID, Amount: amount, Key: fmt.Sprint("return/", i)})
			require.NoError(t, err)
			require.Equal(t, payment.Succeeded, r.Operation.State)
			require.True(t, strings.HasPrefix(r.Operation.ID.Text(r.Operation.Kind), "ref_"))
		}
		require.Equal(t, money.Minor(80), r.Payment.Refunded)
		require.Equal(t, money.Minor(80), s.fake.total(gateway.MovementRefunded))
		s.requireSound()
	})
	t.Run("the same key gives the same answer and moves nothing twice", func(t *testing.T) {
		s := newShop(t)
		w := wish(newOrder(), "tok_ok")
		first, err := s.Authorize(t.Context(), w)
		require.NoError(t, err)
		again, err := s.service(s.store, s.fake).Authorize(t.Context(), w)
		require.NoError(t, err)
		require.Equal(t, first, again)
		require.Equal(t, 1, s.fake.calls)
		w.Amount = 101
		_, err = s.Authorize(t.Context(), w)
		requireReason(t, fault.ReasonRequestIDReused, err)
		w.Amount, w.Method = 100, "tok_other"
		_, err = s.Authorize(t.Context(), w)
		requireReason(t, fault.ReasonRequestIDReused, err)
		s.requireSound()
	})
	t.Run("a decline is an answer, and stays one", func(t *testing.T) {
		s := newShop(t)
		w := wish(newOrder(), "tok_decline")
		for range 2 {
			r, err := s.Authorize(t.Context(), w)
			require.NoError(t, err)
			require.Equal(t, payment.Failed, r.Payment.State)
			require.Equal(t, "INSUFFICIENT_FUNDS", r.Payment.Decline)
		}
		require.Equal(t, 1, s.fake.calls)
		s.requireSound()
	})
	t.Run("a card number is refused before anything is recorded", func(t *testing.T) {
		s := newShop(t)
		for _, token := range []string{"4111111111111111", "tok_4111111111111111"} {
			_, err := s.Authorize(t.Context(), wish(newOrder(), token))
			requireReason(t, fault.ReasonCardNumberRefused, err)
		}
		p := s.authorized()
		_, err := s.Refund(t.Context(), payments.Change{PaymentID: p.ID, Amount: 1, Note: "to 4242 4242 4242 4242", Key: "x"})
		requireReason(t, fault.ReasonCardNumberRefused, err)
		require.Equal(t, 1, s.fake.calls)
	})
	t.Run("more than authorized is not captured, more than captured not refunded, and nothing changes", func(t *testing.T) {
		s := newShop(t)
		p := s.authorized()
		_, err := s.Capture(t.Context(), payments.Change{PaymentID: p.ID, Amount: 101, Key: "x"})
		requireReason(t, fault.ReasonCaptureTooLarge, err)
		_, err = s.Refund(t.Context(), payments.Change{PaymentID: p.ID, Amount: 1, Key: "y"})
		requireReason(t, fault.ReasonRefundTooLarge, err)
		after, operations, err := s.Get(asStaff(t), p.ID)
		require.NoError(t, err)
		require.Equal(t, p, after)
		require.Len(t, operations, 1)
	})
	t.Run("a stale etag is refused, but not to who asks for the same again", func(t *testing.T) {
		s := newShop(t)
		p := s.authorized()
		c := payments.Change{PaymentID: p.ID, Amount: 10, Key: "x", Etag: p.Etag()}
		first, err := s.Capture(t.Context(), c)
		require.NoError(t, err)
		again, err := s.Capture(t.Context(), c)
		require.NoError(t, err)
		require.Equal(t, first, again)
		c.Key = "y"
		_, err = s.Capture(t.Context(), c)
		requireReason(t, fault.ReasonStaleEtag, err)
	})
	t.Run("a void lets go, and again changes nothing", func(t *testing.T) {
		s := newShop(t)
		p := s.authorized()
		for _, key := range []string{"a", "a", "b"} {
			r, err := s.Void(t.Context(), payments.Change{PaymentID: p.ID, Key: key})
			require.NoError(t, err)
			require.Equal(t, payment.Voided, r.Payment.State)
		}
		require.Equal(t, 2, s.fake.calls)
		s.requireSound()
	})
	t.Run("32 callers with one key, in two processes, charge once", func(t *testing.T) {
		s := newShop(t)
		servers := []*payments.Service{s.Service, s.service(s.store, s.fake)}
		w := wish(newOrder(), "tok_ok")
		errs := make([]error, 32)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() { _, errs[i] = servers[i%2].Authorize(t.Context(), w) })
		}
		all.Wait()
		require.NoError(t, errors.Join(errs...))
		p := payment.ID{UUID: payment.OperationIDOf(w.OrderID, payment.KeyOf(w.OrderID, w.Key)).UUID}
		for i := range errs {
			all.Go(func() {
				_, errs[i] = servers[i%2].Capture(t.Context(), payments.Change{PaymentID: p, Amount: 60, Key: "ship"})
			})
		}
		all.Wait()
		require.NoError(t, errors.Join(errs...))
		require.Equal(t, money.Minor(100), s.fake.total(gateway.MovementAuthorized))
		require.Equal(t, money.Minor(60), s.fake.total(gateway.MovementCaptured))
		s.requireSound()
	})
}

func TestService_Reconcile(t *testing.T) {
	t.Run("what the gateway moved and we do not know of is a violation", func(t *testing.T) {
		s := newShop(t)
		p := s.authorized()
		stranger := payment.ID{UUID: newOrder().UUID}
		s.fake.with(func(f *fake) {
			f.move(gateway.MovementAuthorized, "twice", p.ID.String(), 100)
			f.move(gateway.MovementAuthorized, "strange", stranger.String(), 5)
			f.move(gateway.MovementAuthorized, "other", "another shop", 5)
		})
		found, err := s.Reconcile(t.Context(), "test", time.Time{})
		require.NoError(t, err)
		require.Equal(t, int64(1), found.Foreign)
		require.Len(t, found.Differences, 2)
		for _, d := range found.Differences {
			require.False(t, d.Unknown, d.Detail)
		}
	})
	t.Run("a difference that goes away is none", func(t *testing.T) {
		s := newShop(t)
		p := s.authorized()
		ahead := &ahead{ledger: s.fake, reads: 3, extra: gateway.Movement{Kind: gateway.MovementAuthorized, Payment: p.ID.String(), Amount: 1}}
		found, err := payments.Books{Store: s.store, Gateway: "test", Ledger: ahead, Now: time.Now}.Reconcile(t.Context(), time.Time{})
		require.NoError(t, err)
		require.Empty(t, found.Differences)
	})
	t.Run("what has lapsed is no violation until both have booked it", func(t *testing.T) {
		s := newShop(t)
		p := s.authorized()
		lapse := func() {
			s.fake.with(func(f *fake) { f.move(gateway.MovementReleased, "lapsed", p.ID.String(), 100) })
		}
		compare := func(after time.Duration) []payments.Difference {
			t.Helper()
			now := func() time.Time { return time.Now().Add(after) }
			found, err := payments.Books{Store: s.store, Gateway: "test", Ledger: s.fake, Now: now}.Reconcile(t.Context(), time.Time{})
			require.NoError(t, err)
			return found.Differences
		}
		require.Empty(t, compare(2*time.Hour), "neither has booked it yet")
		lapse()
		late := compare(2 * time.Hour)
		require.Len(t, late, 1)
		require.True(t, late[0].Unknown, "we will hear of it")
		early := compare(0)
		require.Len(t, early, 1)
		require.False(t, early[0].Unknown, "it was let go before its time")

		header, body := post(gateway.Event{ID: "evt-lapsed", Kind: gateway.EventExpired, Payment: p.ID.String()}, time.Now())
		require.NoError(t, s.HandleWebhook(t.Context(), "test", header, body))
		require.Empty(t, compare(2*time.Hour), "both have booked it")
		s.fake.with(func(f *fake) { f.movements = f.movements[:len(f.movements)-1] })
		late = compare(2 * time.Hour)
		require.Len(t, late, 1)
		require.True(t, late[0].Unknown, "the gateway will book it")
		s.fake.with(func(f *fake) { f.move(gateway.MovementCaptured, "twice", p.ID.String(), 100) })
		taken := compare(2 * time.Hour)
		require.Len(t, taken, 1)
		require.False(t, taken[0].Unknown, "it was taken instead")
	})
	t.Run("what lapsed without anybody having said when is no violation until the gateway has booked it", func(t *testing.T) {
		s := newShop(t)
		s.fake.trouble = lostAfter
		r, err := s.Authorize(t.Context(), wish(newOrder(), "tok_ok"))
		requireReason(t, fault.ReasonPaymentUnknown, err)
		for _, kind := range []gateway.EventKind{gateway.EventAuthorized, gateway.EventExpired} {
			header, body := post(gateway.Event{ID: string(kind), Kind: kind, Payment: r.Payment.ID.String(), Amount: 100}, time.Now())
			require.NoError(t, s.HandleWebhook(t.Context(), "test", header, body))
		}
		found, err := s.Reconcile(t.Context(), "test", time.Time{})
		require.NoError(t, err)
		require.Len(t, found.Differences, 1)
		require.True(t, found.Differences[0].Unknown, found.Differences[0].Detail)
		require.Contains(t, found.Differences[0].Detail, "we have 100 authorized, 0 captured, 100 released, 0 refunded, the gateway 100 authorized, 0 captured, 0 released")
	})
	t.Run("no false alarm while payments are made", func(t *testing.T) {
		s := newShop(t)
		stop := make(chan struct{})
		var busy sync.WaitGroup
		for range 4 {
			busy.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					r, err := s.Authorize(t.Context(), wish(newOrder(), "tok_ok"))
					if err == nil {
						_, err = s.Capture(t.Context(), payments.Change{PaymentID: r.Payment.ID, Amount: 100, Key: "ship"})
					}
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		for range 20 {
			found, err := s.Reconcile(t.Context(), "test", time.Time{})
			require.NoError(t, err)
			for _, d := range found.Differences {
				require.True(t, d.Unknown, "%+v", d)
			}
		}
		close(stop)
		busy.Wait()
		s.requireSound()
	})
}

func TestService_List(t *testing.T) {
	t.Run("payments of an order are paged, and sum up to its status", func(t *testing.T) {
		s := newShop(t)
		o := order.Order{ID: newOrder(), Details: order.Details{Lines: []order.Line{{Quantity: 1, UnitPrice: 300}}}}
		for i := range 3 {
			w := wish(o.ID, "tok_ok")
			w.Key = fmt.Sprint(i)
			r, err := s.Authorize(t.Context(), w)
			require.NoError(t, err)
			_, err = s.Capture(t.Context(), payments.Change{PaymentID: r.Payment.ID, Amount: 100, Key: "ship" + w.Key})
			require.NoError(t, err)
		}
		status, err := s.Status(t.Context(), o)
		require.NoError(t, err)
		require.Equal(t, order.PaymentPaid, status)
		page := contract.Page{Size: 2, List: []byte("list")}
		q := store.PaymentQuery{OrderID: o.ID}
		first, next, err := s.List(asStaff(t), page, q)
		require.NoError(t, err)
		require.Len(t, first, 2)
		page.Token = next
		rest, next, err := s.List(asStaff(t), page, q)
		require.NoError(t, err)
		require.Len(t, rest, 1)
		require.Empty(t, next)
	})
}

// ahead is a ledger that for some reads has one movement too many.
type ahead struct {
	ledger gateway.Ledger
	reads  int
	extra  gateway.Movement
}

func (a *ahead) Ledger(ctx context.Context, request gateway.LedgerRequest) (gateway.LedgerPage, error) {
	page, err := a.ledger.Ledger(ctx, request)
	if a.reads--; a.reads >= 0 {
		page.Movements = append(slices.Clone(page.Movements), a.extra)
	}
	return page, err
}
