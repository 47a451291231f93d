package payment

import (
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
)

// Summarize gives the payment status of an order that owes total, from all its payments. It is the
// only place that does. Amounts are minor units already, so nothing is rounded. What was refunded
// is subtracted from what was captured before that is compared with the total.
func Summarize(total money.Minor, payments ...Payment) order.PaymentStatus {
	var authorized, open, captured, refunded money.Minor
	for _, p := range payments {
		authorized += p.Authorized
		open += p.Authorized - p.Captured - p.Released
		captured += p.Captured
		refunded += p.Refunded
	}
	kept := captured - refunded
	switch {
	case captured == 0 && open > 0:
		return order.PaymentAuthorized
	case captured == 0 && authorized > 0:
		return order.PaymentVoided
	case captured == 0:
		return order.PaymentNone
	case kept == 0:
		return order.PaymentRefunded
	case kept > total:
		return order.PaymentOverpaid
	case kept == total:
		return order.PaymentPaid
	case refunded > 0:
		return order.PaymentPartiallyRefunded
	}
	return order.PaymentPartiallyPaid
}
