package payment_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

var (
	noon    = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	orderID = order.NewID(noon, "cus_1", "")
)

// bank keeps a payment as a store would.
type bank struct {
	t          *testing.T
	payment    payment.Payment
	operations []payment.Operation
	entries    []payment.Entry
	taken      map[[2]payment.State]bool
}

func newBank(t *testing.T) *bank {
	t.Helper()
	return &bank{t: t, taken: map[[2]payment.State]bool{}}
}

func (b *bank) record(key string) payment.Record {
	r := payment.Record{Payment: b.payment}
	for _, o := range b.operations {
		if o.Key == payment.KeyOf(orderID, key) {
			r.Operation = o
		}
	}
	return r
}

func (b *bank) store(d *payment.Decision) {
	b.t.Helper()
	if d == nil {
		return
	}
	if d.Payment.State != b.payment.State {
		b.taken[[2]payment.State{b.payment.State, d.Payment.State}] = true
		require.True(b.t, b.payment.State.MayBecome(d.Payment.State), "from %s to %s", b.payment.State, d.Payment.State)
	}
	require.Equal(b.t, b.payment.Version+1, d.Payment.Version)
	b.payment = d.Payment
	b.entries = append(b.entries, d.Entries...)
	for i, o := range b.operations {
		if o.ID == d.Operation.ID {
			b.operations[i] = d.Operation
			d.Operation.ID = payment.OperationID{}
		}
	}
	if !d.Operation.ID.IsZero() {
		b.operations = append(b.operations, d.Operation)
	}
	require.Empty(b.t, payment.Inspect(b.payment, b.operations, b.entries))
	ids := map[string]bool{}
	for _, e := range b.entries {
		require.False(b.t, ids[string(e.ID[:])], "an entry is booked twice")
		ids[string(e.ID[:])] = true
	}
}

func (b *bank) authorize(key string, amount money.Minor) error {
	d, err := payment.Authorize(b.record(key), payment.New{
		OrderID: orderID, CustomerID: "cus_1", Gateway: "test", Currency: "GBP",
		Wish: payment.Wish{Key: payment.KeyOf(orderID, key), Amount: amount},
	}, noon)
	b.store(d)
	return err
}

// forsake gives up a wish to authorize, recorded or not.
func (b *bank) forsake(key string, amount money.Minor) {
	b.t.Helper()
	b.store(payment.Forsake(b.record(key), payment.New{
		OrderID: orderID, CustomerID: "cus_1", Gateway: "test", Currency: "GBP",
		Wish: payment.Wish{Key: payment.KeyOf(orderID, key), Amount: amount},
	}, noon))
}

func (b *bank) ask(kind payment.Kind, key string, amount money.Minor, final bool) error {
	d, err := payment.Ask(b.record(key), kind, payment.Wish{Key: payment.KeyOf(orderID, key), Amount: amount, Final: final}, noon)
	b.store(d)
	return err
}

func (b *bank) hear(key string, out payment.Outcome) {
	b.t.Helper()
	b.store(payment.Apply(b.record(key), out, noon))
}

var done = payment.Outcome{Answer: payment.AnswerDone}

// authorized gives a payment of 100 that is set aside.
func authorized(t *testing.T) *bank {
	t.Helper()
	b := newBank(t)
	require.NoError(t, b.authorize("pay", 100))
	b.hear("pay", payment.Outcome{Answer: payment.AnswerDone, Authorization: "auth_1", Amount: 100})
	require.Equal(t, payment.Authorized, b.payment.State)
	return b
}

func requireReason(t *testing.T, want fault.Reason, err error) {
	t.Helper()
	require.Equal(t, want, fault.ReasonOf(err), "%v", err)
}

func TestPayment(t *testing.T) {
	t.Run("is captured in parts and refunded in parts, and the books balance", func(t *testing.T) {
		b := authorized(t)
		require.NoError(t, b.ask(payment.KindCapture, "one", 30, false))
		require.Equal(t, payment.Capturing, b.payment.State)
		require.Equal(t, money.Minor(70), b.payment.Left())
		b.hear("one", done)
		require.NoError(t, b.ask(payment.KindCapture, "two", 50, true))
		require.Equal(t, money.Minor(0), b.payment.Left())
		b.hear("two", done)
		require.Equal(t, money.Minor(80), b.payment.Captured)
		require.Equal(t, money.Minor(20), b.payment.Released)
		require.NoError(t, b.ask(payment.KindRefund, "back", 80, false))
		b.hear("back", payment.Outcome{Answer: payment.AnswerPending})
		require.Equal(t, payment.Submitted, b.record("back").Operation.State)
		b.hear("back", done)
		balances := payment.Balances(b.entries)
		require.Zero(t, balances[payment.AccountClearing])
		require.Equal(t, money.Minor(80), balances[payment.AccountRefunds])
		require.False(t, b.payment.Open())
	})
	t.Run("more than is left is neither captured nor refunded, while others are under way too", func(t *testing.T) {
		b := authorized(t)
		requireReason(t, fault.ReasonCaptureTooLarge, b.ask(payment.KindCapture, "x", 101, false))
		requireReason(t, fault.ReasonRefundTooLarge, b.ask(payment.KindRefund, "x", 1, false))
		require.NoError(t, b.ask(payment.KindCapture, "one", 60, false))
		requireReason(t, fault.ReasonCaptureTooLarge, b.ask(payment.KindCapture, "x", 41, false))
		b.hear("one", done)
		require.NoError(t, b.ask(payment.KindRefund, "back", 40, false))
		requireReason(t, fault.ReasonRefundTooLarge, b.ask(payment.KindRefund, "x", 21, false))
		b.hear("back", payment.Outcome{Answer: payment.AnswerRefused, Reason: "GATEWAY_REFUSED"})
		require.NoError(t, b.ask(payment.KindRefund, "again", 60, false))
	})
	t.Run("an unknown charge keeps its claim until the gateway tells", func(t *testing.T) {
		b := authorized(t)
		require.NoError(t, b.ask(payment.KindCapture, "one", 60, false))
		b.hear("one", payment.Outcome{Answer: payment.AnswerNone})
		require.Equal(t, payment.Unknown, b.payment.State)
		require.Equal(t, money.Minor(40), b.payment.Left())
		requireReason(t, fault.ReasonPaymentUnknown, b.ask(payment.KindCapture, "two", 10, false))
		requireReason(t, fault.ReasonPaymentUnknown, b.ask(payment.KindVoid, "void", 0, false))
		b.hear("one", payment.Outcome{Answer: payment.AnswerAway})
		require.Equal(t, payment.Unknown, b.payment.State, "turned away says nothing about the sending before")
		b.hear("one", payment.Outcome{Answer: payment.AnswerNever, Sends: 1})
		require.Equal(t, payment.Authorized, b.payment.State)
		require.Equal(t, money.Minor(100), b.payment.Left())
	})
	t.Run("an inquiry is too late once the operation was sent again", func(t *testing.T) {
		b := authorized(t)
		require.NoError(t, b.ask(payment.KindCapture, "one", 60, false))
		b.hear("one", payment.Outcome{Answer: payment.AnswerNone})
		b.store(payment.Resend(b.record("one"), noon))
		b.hear("one", payment.Outcome{Answer: payment.AnswerNever, Sends: 1})
		require.Equal(t, payment.Unknown, b.payment.State)
		b.hear("one", done)
		require.Equal(t, payment.Captured, b.payment.State)
	})
	t.Run("the same key wishes the same, or is refused", func(t *testing.T) {
		b := authorized(t)
		version := b.payment.Version
		require.NoError(t, b.authorize("pay", 100))
		require.Equal(t, version, b.payment.Version)
		requireReason(t, fault.ReasonRequestIDReused, b.ask(payment.KindCapture, "pay", 100, false))
		d, err := payment.Ask(b.record("pay"), payment.KindVoid, payment.Wish{Key: payment.KeyOf(orderID, "pay"), Fingerprint: [32]byte{1}}, noon)
		require.Nil(t, d)
		requireReason(t, fault.ReasonRequestIDReused, err)
	})
	t.Run("what was captured is not voided, and what was voided not captured", func(t *testing.T) {
		b := authorized(t)
		require.NoError(t, b.ask(payment.KindVoid, "void", 0, false))
		requireReason(t, fault.ReasonPaymentBusy, b.ask(payment.KindCapture, "x", 10, false))
		b.hear("void", done)
		require.Equal(t, payment.Voided, b.payment.State)
		requireReason(t, fault.ReasonAuthorizationClosed, b.ask(payment.KindCapture, "x", 10, false))
		require.NoError(t, b.ask(payment.KindVoid, "void again", 0, false))
		require.Len(t, b.operations, 2)
		b = authorized(t)
		require.NoError(t, b.ask(payment.KindCapture, "one", 10, false))
		b.hear("one", done)
		requireReason(t, fault.ReasonPaymentCaptured, b.ask(payment.KindVoid, "void", 0, false))
		require.NoError(t, b.ask(payment.KindCapture, "rest", 0, true))
		b.hear("rest", done)
		require.Equal(t, money.Minor(90), b.payment.Released)
	})
	t.Run("what never reached the gateway is given up, and comes back if it did after all", func(t *testing.T) {
		b := newBank(t)
		require.NoError(t, b.authorize("pay", 100))
		b.hear("pay", payment.Outcome{Answer: payment.AnswerAway})
		require.Equal(t, payment.Created, b.payment.State)
		require.NoError(t, b.ask(payment.KindVoid, "void", 0, false))
		require.Equal(t, payment.Voided, b.payment.State)
		requireReason(t, fault.ReasonAuthorizationClosed, b.authorize("pay", 100))
		b.hear("pay", done)
		require.Equal(t, payment.Authorized, b.payment.State)
	})
	t.Run("an answer about another amount counts as no answer", func(t *testing.T) {
		b := newBank(t)
		require.NoError(t, b.authorize("pay", 100))
		b.hear("pay", payment.Outcome{Answer: payment.AnswerDone, Amount: 1000})
		require.Equal(t, payment.Unknown, b.payment.State)
	})
	t.Run("a stale etag is refused", func(t *testing.T) {
		b := authorized(t)
		_, err := payment.Ask(b.record("x"), payment.KindVoid, payment.Wish{Key: "x", Etag: "1"}, noon)
		requireReason(t, fault.ReasonStaleEtag, err)
	})
}

// TestWalk lets chance ask and answer: no sequence breaks a rule, leaves the table of transitions,
// or books anything twice.
func TestWalk(t *testing.T) {
	taken := map[[2]payment.State]bool{}
	answers := []payment.Answer{
		payment.AnswerDone, payment.AnswerDeclined, payment.AnswerRefused, payment.AnswerAction, payment.AnswerPending,
		payment.AnswerAway, payment.AnswerNever, payment.AnswerNone,
	}
	kinds := []payment.Kind{payment.KindCapture, payment.KindVoid, payment.KindRefund}
	for seed := range uint64(8000) {
		chance := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a test
		b := newBank(t)
		b.taken = taken
		if seed%8 == 0 {
			b.forsake("pay", 100)
			requireReason(t, fault.ReasonAuthorizationClosed, b.authorize("pay", 100))
		} else {
			require.NoError(t, b.authorize("pay", 100))
		}
		for step := range 30 {
			switch chance.IntN(10) {
			case 0:
				b.store(payment.Lapse(payment.Record{Payment: b.payment}, noon))
			case 1:
				_ = b.authorize("pay", 100)
			case 2:
				b.store(payment.Resend(b.record(b.any(chance)), noon))
			case 3, 4:
				kind := kinds[chance.IntN(len(kinds))]
				_ = b.ask(kind, fmt.Sprint(step), money.Minor(chance.IntN(60)), chance.IntN(3) == 0)
			case 5:
				o := b.record(b.any(chance)).Operation
				if o.Kind != payment.KindAuthorize {
					_ = b.ask(o.Kind, string(o.Key), o.Amount, o.Final)
				}
			default:
				key := b.any(chance)
				out := payment.Outcome{Answer: answers[chance.IntN(len(answers))], Sends: 1, Lapsed: chance.IntN(4) == 0}
				if out.Answer == payment.AnswerAction {
					out.RedirectURL = "https://bank.example"
				}
				if r := b.record(key); !possible(r, out) {
					continue
				}
				b.hear(key, out)
			}
		}
	}
	for _, row := range payment.Transitions {
		require.True(t, taken[[2]payment.State{row.From, row.To}], "nothing leads from %s to %s (%s)", row.From, row.To, row.Needs)
	}
}

// possible tells whether a gateway may say this of something that had not happened, by its promise:
// only that it did after all, and no more than there is.
func possible(r payment.Record, out payment.Outcome) bool {
	p, o := r.Payment, r.Operation
	if o.State != payment.Requested || o.Kind == payment.KindAuthorize {
		return true
	}
	if out.Answer != payment.AnswerDone || p.Auth != payment.Succeeded {
		return false
	}
	switch o.Kind {
	case payment.KindCapture:
		return o.Amount <= p.Left() && p.Void == payment.NotVoided && p.Left() > 0
	case payment.KindVoid:
		return p.Captured == 0 && p.OpenCaptures == 0
	default:
		return o.Amount <= p.Refundable()
	}
}

func (b *bank) any(chance *rand.Rand) string {
	return string(b.operations[chance.IntN(len(b.operations))].Key)
}

func TestSummarize(t *testing.T) {
	p := func(authorized, captured, released, refunded money.Minor) payment.Payment {
		return payment.Payment{Authorized: authorized, Captured: captured, Released: released, Refunded: refunded}
	}
	for _, c := range []struct {
		name     string
		payments []payment.Payment
		want     order.PaymentStatus
	}{
		{"nothing was asked for", nil, order.PaymentNone},
		{"it was declined", []payment.Payment{p(0, 0, 0, 0)}, order.PaymentNone},
		{"it is set aside", []payment.Payment{p(100, 0, 0, 0)}, order.PaymentAuthorized},
		{"one was let go and another is set aside", []payment.Payment{p(100, 0, 100, 0), p(100, 0, 0, 0)}, order.PaymentAuthorized},
		{"it was let go", []payment.Payment{p(100, 0, 100, 0)}, order.PaymentVoided},
		{"a part was captured", []payment.Payment{p(100, 40, 0, 0)}, order.PaymentPartiallyPaid},
		{"all of it was captured, in two payments", []payment.Payment{p(60, 60, 0, 0), p(40, 40, 0, 0)}, order.PaymentPaid},
		{"more was captured", []payment.Payment{p(120, 120, 0, 0)}, order.PaymentOverpaid},
		{"more was captured and that was refunded", []payment.Payment{p(120, 120, 0, 20)}, order.PaymentPaid},
		{"a part was refunded", []payment.Payment{p(100, 100, 0, 1)}, order.PaymentPartiallyRefunded},
		{"all of it was refunded", []payment.Payment{p(100, 100, 0, 100)}, order.PaymentRefunded},
		{"the captured part was refunded", []payment.Payment{p(100, 40, 60, 40)}, order.PaymentRefunded},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, payment.Summarize(100, c.payments...)) })
	}
}

func TestKeyOf(t *testing.T) {
	t.Run("a step of a saga is its own key, a request id becomes one of the order", func(t *testing.T) {
		step := orderID.String() + "/place/authorize"
		require.Equal(t, payment.Key(step), payment.KeyOf(orderID, step))
		require.Equal(t, payment.Key(step), payment.KeyOf(orderID, "place/authorize"))
	})
	t.Run("ids lie in the span of their order, in its slot", func(t *testing.T) {
		key := payment.OperationIDOf(orderID, payment.KeyOf(orderID, "x"))
		first, last := payment.Span(orderID.UUID)
		require.Equal(t, orderID.Slot(), key.Slot())
		require.Negative(t, first.Compare(key.UUID))
		require.Positive(t, last.Compare(key.UUID))
		_, err := payment.ParseID(payment.ID(key).String())
		require.NoError(t, err)
	})
}
