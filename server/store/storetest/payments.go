package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// intent is the change that records a wish to authorize 100 for an order, about to be sent.
func intent(orderID order.ID, key string) store.PaymentChange {
	full := payment.KeyOf(orderID, key)
	operationID := payment.OperationIDOf(orderID, full)
	return store.PaymentChange{
		PaymentID: payment.ID(operationID), Operation: operationID,
		Decide: func(r payment.Record) (*payment.Decision, error) {
			return payment.Authorize(r, payment.New{
				OrderID: orderID, CustomerID: "cus_1", Gateway: "test", Currency: "GBP",
				Wish: payment.Wish{Key: full, Amount: 100, Fingerprint: [32]byte{1, 2}},
			}, noon)
		},
	}
}

// heard is the change that an outcome makes of the operation of another change.
func heard(c store.PaymentChange, out payment.Outcome) store.PaymentChange {
	c.Decide = func(r payment.Record) (*payment.Decision, error) {
		return payment.Apply(r, out, noon.Add(time.Second)), nil
	}
	return c
}

// wanting is the change that records a wish about a payment, about to be sent.
func wanting(p payment.Payment, kind payment.Kind, key string, amount money.Minor) store.PaymentChange {
	full := payment.KeyOf(p.OrderID, key)
	return store.PaymentChange{
		PaymentID: p.ID, Operation: payment.OperationIDOf(p.OrderID, full),
		Decide: func(r payment.Record) (*payment.Decision, error) {
			return payment.Ask(r, kind, payment.Wish{Key: full, Amount: amount, Note: "why not"}, noon)
		},
	}
}

var paid = payment.Outcome{
	Answer: payment.AnswerDone, Authorization: "auth_1", Reference: "mov_1", Expires: noon.Add(time.Hour),
}

func pay(t *testing.T, s store.Store, c store.PaymentChange) payment.Record {
	t.Helper()
	r, err := s.ChangePayment(t.Context(), c)
	require.NoError(t, err)
	return r
}

// authorized gives a payment of 100 that is set aside.
func authorized(t *testing.T, s store.Store, customer string) payment.Payment {
	t.Helper()
	begin := intent(order.NewID(noon, customer, ""), "pay")
	pay(t, s, begin)
	return pay(t, s, heard(begin, paid)).Payment
}

// requireBooked makes sure that a payment is stored as want and that everything stored of it agrees.
func requireBooked(t *testing.T, s store.Store, want payment.Payment) store.AuditedPayment {
	t.Helper()
	got, err := s.Payment(t.Context(), want.ID)
	require.NoError(t, err)
	requireSame(t, want, got)
	requireUTC(t, got.Created, got.Updated)
	page, err := s.AuditPayments(t.Context(), before(want.ID.UUID), 1)
	require.NoError(t, err)
	require.Len(t, page, 1)
	requireSame(t, want, page[0].Payment)
	require.Empty(t, payment.Inspect(page[0].Payment, page[0].Operations, page[0].Entries))
	operations, err := s.PaymentOperations(t.Context(), want.ID)
	require.NoError(t, err)
	requireSame(t, page[0].Operations, operations)
	for _, slot := range page[0].Slots {
		require.Equal(t, want.ID.Slot(), slot)
	}
	return page[0]
}

// before gives the id just below.
func before(u id.UUID) id.UUID {
	for i := len(u) - 1; i >= 0; i-- {
		if u[i]--; u[i] != 0xff {
			break
		}
	}
	return u
}

func testPayments(t *testing.T, b bench) {
	t.Run("an intent and its outcome are stored with all they say", func(t *testing.T) {
		s := b.new(t)
		begin := intent(order.NewID(noon, "cus_1", ""), "pay")
		r := pay(t, s, begin)
		require.Equal(t, payment.Authorizing, r.Payment.State)
		require.Equal(t, payment.Submitted, r.Operation.State)
		require.Empty(t, requireBooked(t, s, r.Payment).Entries)
		r = pay(t, s, heard(begin, paid))
		require.Equal(t, payment.Authorized, r.Payment.State)
		require.Equal(t, paid.Expires, r.Payment.Expires)
		audited := requireBooked(t, s, r.Payment)
		requireSame(t, []payment.Operation{r.Operation}, audited.Operations)
		require.Len(t, audited.Entries, 1)
		require.Equal(t, money.Minor(100), audited.Entries[0].Amount)
	})
	t.Run("captures and refunds add up, and the ledger balances", func(t *testing.T) {
		s := b.new(t)
		p := authorized(t, s, "cus_1")
		for i, amount := range []money.Minor{30, 50} {
			capture := wanting(p, payment.KindCapture, fmt.Sprint("capture ", i), amount)
			pay(t, s, capture)
			p = pay(t, s, heard(capture, payment.Outcome{Answer: payment.AnswerDone})).Payment
		}
		refund := wanting(p, payment.KindRefund, "refund", 20)
		pay(t, s, refund)
		p = pay(t, s, heard(refund, payment.Outcome{Answer: payment.AnswerDone})).Payment
		require.Equal(t, money.Minor(80), p.Captured)
		require.Equal(t, money.Minor(20), p.Refunded)
		audited := requireBooked(t, s, p)
		require.Len(t, audited.Operations, 4)
		noted := 0
		for _, o := range audited.Operations {
			if o.Note == "why not" {
				noted++
			}
		}
		require.Equal(t, 3, noted)
		require.Equal(t, money.Minor(60), payment.Balances(audited.Entries)[payment.AccountClearing])
	})
	t.Run("the same intent again finds the first", func(t *testing.T) {
		s := b.new(t)
		begin := intent(order.NewID(noon, "cus_1", ""), "pay")
		first := pay(t, s, begin)
		again := pay(t, s.replica(t), begin)
		requireSame(t, first, again)
		requireBooked(t, s, first.Payment)
	})
	t.Run("what decide refuses is not stored, and its error comes back", func(t *testing.T) {
		s := b.new(t)
		p := authorized(t, s, "cus_1")
		_, err := s.ChangePayment(t.Context(), wanting(p, payment.KindCapture, "capture", 101))
		requireReason(t, fault.ReasonCaptureTooLarge, err)
		refusal := errors.New("not today")
		c := wanting(p, payment.KindCapture, "capture", 1)
		c.Decide = func(payment.Record) (*payment.Decision, error) { return nil, refusal }
		_, err = s.ChangePayment(t.Context(), c)
		require.ErrorIs(t, err, refusal)
		require.Len(t, requireBooked(t, s, p).Operations, 1)
	})
	t.Run("a payment that is not there is not found", func(t *testing.T) {
		s := b.new(t)
		missing := payment.ID{UUID: order.NewID(noon, "cus_1", "").UUID}
		_, err := s.Payment(t.Context(), missing)
		requireReason(t, fault.ReasonPaymentNotFound, err)
		operations, err := s.PaymentOperations(t.Context(), missing)
		require.NoError(t, err)
		require.Empty(t, operations)
		_, err = s.ChangePayment(t.Context(), wanting(payment.Payment{ID: missing}, payment.KindVoid, "void", 0))
		requireReason(t, fault.ReasonPaymentNotFound, err)
	})
	t.Run("the database itself refuses sums that are wrong", func(t *testing.T) {
		s := b.new(t)
		p := authorized(t, s, "cus_1")
		for _, wrong := range []func(*payment.Payment){
			func(p *payment.Payment) { p.Captured = 101 },
			func(p *payment.Payment) { p.Captured, p.Released, p.CapturePending = 40, 40, 21 },
			func(p *payment.Payment) { p.Captured, p.Refunded, p.RefundPending = 50, 30, 21 },
			func(p *payment.Payment) { p.Authorized = 101 },
			func(p *payment.Payment) { p.RefundPending = -1 },
		} {
			c := store.PaymentChange{PaymentID: p.ID, Decide: func(r payment.Record) (*payment.Decision, error) {
				wrong(&r.Payment)
				r.Payment.Version++
				r.Operation = payment.Operation{}
				return &payment.Decision{Record: r}, nil
			}}
			_, err := s.ChangePayment(t.Context(), c)
			require.Error(t, err)
		}
		requireBooked(t, s, p)
	})
	t.Run("no movement is booked twice", func(t *testing.T) {
		s := b.new(t)
		p := authorized(t, s, "cus_1")
		entries := requireBooked(t, s, p).Entries
		c := store.PaymentChange{PaymentID: p.ID, Decide: func(r payment.Record) (*payment.Decision, error) {
			r.Payment.Version++
			return &payment.Decision{Record: payment.Record{Payment: r.Payment}, Entries: entries}, nil
		}}
		_, err := s.ChangePayment(t.Context(), c)
		require.Error(t, err)
		requireBooked(t, s, p)
	})
}

func testPaymentEvents(t *testing.T, b bench) {
	event := store.PaymentEvent{Gateway: "test", ID: "evt_1"}
	t.Run("an event is taken once, whoever brings it", func(t *testing.T) {
		s := b.new(t)
		begin := intent(order.NewID(noon, "cus_1", ""), "pay")
		pay(t, s, begin)
		told := heard(begin, paid)
		told.Event = event
		first := pay(t, s, told)
		require.Equal(t, payment.Authorized, first.Payment.State)
		told.Decide = func(payment.Record) (*payment.Decision, error) { return nil, errors.New("decide was asked again") }
		requireSame(t, first, pay(t, s.replica(t), told))
	})
	t.Run("one that changes nothing is remembered too, one that fails is not", func(t *testing.T) {
		s := b.new(t)
		p := authorized(t, s, "cus_1")
		asked := 0
		refusal := errors.New("too early")
		c := store.PaymentChange{PaymentID: p.ID, Event: event, Decide: func(payment.Record) (*payment.Decision, error) {
			if asked++; asked == 1 {
				return nil, refusal
			}
			return nil, nil
		}}
		_, err := s.ChangePayment(t.Context(), c)
		require.ErrorIs(t, err, refusal)
		pay(t, s, c)
		pay(t, s, c)
		require.Equal(t, 2, asked)
	})
}

func testPaymentsAtOnce(t *testing.T, b bench) {
	const callers = 24
	t.Run("many payments at once are each stored, and one that fails fails alone", func(t *testing.T) {
		s := b.new(t)
		servers := []store.Store{s, s.replica(t)}
		errs, records := make([]error, callers), make([]payment.Record, callers)
		atOnce(callers, func(i int) {
			begin := intent(order.NewID(noon, fmt.Sprint("cus_", i), ""), "pay")
			if i == 7 {
				begin.Decide = func(r payment.Record) (*payment.Decision, error) { // the database refuses it
					d, err := intent(order.NewID(noon, "cus_7", ""), "pay").Decide(r)
					if err == nil {
						d.Payment.ID, d.Operation.ID, d.Operation.PaymentID = begin.PaymentID, begin.Operation, begin.PaymentID
						d.Payment.Amount = -1
					}
					return d, err
				}
			}
			if _, errs[i] = servers[i%2].ChangePayment(t.Context(), begin); errs[i] == nil {
				records[i], errs[i] = servers[(i+1)%2].ChangePayment(t.Context(), heard(begin, paid))
			}
		})
		for i, err := range errs {
			if i == 7 {
				require.Error(t, err)
				continue
			}
			require.NoError(t, err)
			requireBooked(t, s, records[i].Payment)
		}
	})
	t.Run("captures of one payment at once never take more than was authorized", func(t *testing.T) {
		s := b.new(t)
		servers := []store.Store{s, s.replica(t)}
		for round := range 5 {
			p := authorized(t, s, fmt.Sprint("cus_", round))
			errs := make([]error, callers)
			atOnce(callers, func(i int) {
				capture := wanting(p, payment.KindCapture, fmt.Sprint(i), 9)
				capture.Untold = i%3 == 0 // batches that hold one may be written in another way
				if _, errs[i] = servers[i%2].ChangePayment(t.Context(), capture); errs[i] == nil {
					_, errs[i] = servers[i%2].ChangePayment(t.Context(), heard(capture, payment.Outcome{Answer: payment.AnswerDone}))
				}
			})
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
					continue
				}
				requireReason(t, fault.ReasonCaptureTooLarge, err)
			}
			require.Equal(t, 11, won)
			got, err := s.Payment(t.Context(), p.ID)
			require.NoError(t, err)
			require.Equal(t, money.Minor(99), got.Captured)
			requireBooked(t, s, got)
		}
	})
	t.Run("a decide that panics stores nothing, and is its caller's alone", func(t *testing.T) {
		s := b.new(t)
		p := authorized(t, s, "cus_1")
		var callers sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			capture := wanting(p, payment.KindCapture, fmt.Sprint(i), 9)
			callers.Go(func() { _, errs[i] = s.ChangePayment(t.Context(), capture) })
			bad := capture
			bad.Decide = func(payment.Record) (*payment.Decision, error) { panic("a bug") }
			require.Panics(t, func() { _, _ = s.ChangePayment(t.Context(), bad) })
		}
		callers.Wait()
		require.NoError(t, errors.Join(errs...))
	})
	t.Run("the same intent of many callers is stored once", func(t *testing.T) {
		s := b.new(t)
		servers := []store.Store{s, s.replica(t)}
		begin := intent(order.NewID(noon, "cus_1", ""), "pay")
		errs, records := make([]error, callers), make([]payment.Record, callers)
		atOnce(callers, func(i int) { records[i], errs[i] = servers[i%2].ChangePayment(t.Context(), begin) })
		require.NoError(t, errors.Join(errs...))
		for _, r := range records {
			requireSame(t, records[0], r)
		}
	})
}

func testListPayments(t *testing.T, b bench) {
	t.Run("payments are listed by order, by customer and by state, in pages", func(t *testing.T) {
		s := b.new(t)
		wanted := order.NewID(noon, "cus_1", "")
		neighbour := order.NewID(noon, "cus_1", "") // of the same millisecond and slot
		for _, key := range []string{"one", "two", "three"} {
			pay(t, s, intent(wanted, key))
			pay(t, s, intent(neighbour, key))
		}
		for i := range 5 {
			authorized(t, s, fmt.Sprint("other_", i))
		}
		require.Len(t, walkPayments(t, s, store.PaymentQuery{OrderID: wanted, Limit: 2}), 3)
		require.Len(t, walkPayments(t, s, store.PaymentQuery{State: payment.Authorized, Limit: 2}), 5)
		require.Len(t, walkPayments(t, s, store.PaymentQuery{State: payment.Authorizing, Limit: 4}), 6)
		require.Len(t, walkPayments(t, s, store.PaymentQuery{OrderID: wanted, State: payment.Failed, Limit: 4}), 0)
		require.Len(t, walkPayments(t, s, store.PaymentQuery{CustomerID: "cus_1", Limit: 2}), 6)
		require.Len(t, walkPayments(t, s, store.PaymentQuery{CustomerID: "cus_1", State: payment.Authorized, Limit: 2}), 0)
		require.Len(t, walkPayments(t, s, store.PaymentQuery{CustomerID: "cus_1", OrderID: wanted, Limit: 2}), 3)
		require.Empty(t, walkPayments(t, s, store.PaymentQuery{CustomerID: "cus_2", OrderID: wanted, Limit: 2}))
		require.Len(t, walkPayments(t, s, store.PaymentQuery{Limit: 3}), 11)
		var after id.UUID
		audited := 0
		for {
			page, err := s.AuditPayments(t.Context(), after, 4)
			require.NoError(t, err)
			if len(page) == 0 {
				break
			}
			for _, a := range page {
				require.Positive(t, a.Payment.ID.Compare(after))
				require.Empty(t, payment.Inspect(a.Payment, a.Operations, a.Entries))
				require.Len(t, a.Operations, 1)
				after = a.Payment.ID.UUID
				audited++
			}
		}
		require.Equal(t, 11, audited)
	})
	t.Run("operations whose end is not known are found, longest waiting first", func(t *testing.T) {
		s := b.new(t)
		var waiting []payment.OperationID
		for i := range 4 {
			begin := intent(order.NewID(noon, fmt.Sprint("cus_", i), ""), "pay")
			pay(t, s, begin)
			out := payment.Outcome{Answer: payment.AnswerNone}
			if i == 3 {
				out = paid
			} else {
				waiting = append(waiting, begin.Operation)
			}
			begin.Decide = func(r payment.Record) (*payment.Decision, error) {
				return payment.Apply(r, out, noon.Add(time.Duration(i)*time.Minute)), nil
			}
			pay(t, s, begin)
		}
		found := func(before time.Time, limit int) (ids []payment.OperationID) {
			open, err := s.OpenOperations(t.Context(), before, limit)
			require.NoError(t, err)
			for _, o := range open {
				ids = append(ids, o.ID)
			}
			return ids
		}
		require.Equal(t, waiting, found(noon.Add(time.Hour), 10))
		require.Equal(t, waiting[:2], found(noon.Add(time.Hour), 2))
		require.Equal(t, waiting[:1], found(noon.Add(time.Minute), 10))
		require.Empty(t, found(noon, 10))
	})
}

func walkPayments(t *testing.T, s store.Store, q store.PaymentQuery) (all []payment.Payment) {
	t.Helper()
	for {
		page, err := s.Payments(t.Context(), q)
		require.NoError(t, err)
		require.LessOrEqual(t, len(page), q.Limit)
		if len(page) == 0 {
			return all
		}
		for _, p := range page {
			if !q.After.IsZero() {
				require.Negative(t, p.ID.Compare(q.After))
			}
			q.After = p.ID.UUID
		}
		all = append(all, page...)
	}
}
