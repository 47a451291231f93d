package payment

import (
	"fmt"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
)

// Inspect tells which rules a payment breaks, given all its operations and entries; none when it
// is sound. The sentences are for people.
func Inspect(p Payment, operations []Operation, entries []Entry) (broken []string) {
	report := func(ok bool, format string, args ...any) {
		if !ok {
			broken = append(broken, fmt.Sprintf(format, args...))
		}
	}
	report(p.Version >= 1, "its version is %d", p.Version)
	report(p.Authorized <= p.Amount, "%d authorized of %d asked for", p.Authorized, p.Amount)
	report(p.Left() >= 0, "%d captured, %d released and %d pending of %d authorized",
		p.Captured, p.Released, p.CapturePending, p.Authorized)
	report(p.Refundable() >= 0, "%d refunded and %d pending of %d captured", p.Refunded, p.RefundPending, p.Captured)
	report(p.State == p.resting(), "the state is %s, its counters say %s", p.State, p.resting())

	var moved struct{ authorized, captured, refunded money.Minor }
	var open claim
	for _, o := range operations {
		c := o.claim()
		open.capture += c.capture
		open.refund += c.refund
		open.captures += c.captures
		open.unknown += c.unknown
		if o.State != Succeeded {
			continue
		}
		switch o.Kind {
		case KindAuthorize:
			moved.authorized += o.Amount
		case KindCapture:
			moved.captured += o.Amount
		case KindRefund:
			moved.refunded += o.Amount
		case KindVoid: // moves nothing
		}
	}
	report(moved.authorized == p.Authorized && moved.captured == p.Captured && moved.refunded == p.Refunded,
		"the operations moved %d, %d and %d, the payment counts %d authorized, %d captured and %d refunded",
		moved.authorized, moved.captured, moved.refunded, p.Authorized, p.Captured, p.Refunded)
	report(open == claim{p.CapturePending, p.RefundPending, p.OpenCaptures, p.OpenUnknown},
		"the operations under way claim other than the payment counts")

	balances := Balances(entries)
	for account, want := range map[Account]money.Minor{
		AccountAuthorized: p.Authorized - p.Captured - p.Released,
		AccountClearing:   p.Captured - p.Refunded,
		AccountRevenue:    -p.Captured,
		AccountRefunds:    p.Refunded,
		AccountCustomer:   p.Captured + p.Released - p.Authorized,
	} {
		report(balances[account] == want, "account %d holds %d, the payment says %d", account, balances[account], want)
	}
	for _, e := range entries {
		report(e.Currency == p.Currency, "an entry is in %s, the payment in %s", e.Currency, p.Currency)
	}
	return broken
}
