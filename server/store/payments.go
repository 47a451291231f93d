package store

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
)

// Payments keeps payments, what was asked of the gateway about them, and the ledger.
type Payments interface {
	// ChangePayment lets decide look at a payment and one of its operations and stores what it
	// decides: payment, operation, entries and event, in one transaction, durably. Nobody changes
	// the two in between. Changes that come at the same time share a commit; one that fails fails
	// alone. decide may run more than once and must only decide. It is not asked when the event
	// was taken before. It gives the two as they stand afterwards.
	ChangePayment(ctx context.Context, c PaymentChange) (payment.Record, error)

	// Payment reads one payment, or fails with PAYMENT_NOT_FOUND.
	Payment(ctx context.Context, paymentID payment.ID) (payment.Payment, error)

	// PaymentOperations reads all operations of one payment, oldest first. It may be empty.
	PaymentOperations(ctx context.Context, paymentID payment.ID) ([]payment.Operation, error)

	// Payments reads a page: at most q.Limit payments that match, by id, newest order first,
	// starting behind q.After.
	Payments(ctx context.Context, q PaymentQuery) ([]payment.Payment, error)

	// OpenOperations reads operations whose end is not known and that have not changed since
	// before, at most limit of a shard, those that waited longest first.
	OpenOperations(ctx context.Context, before time.Time, limit int) ([]payment.Operation, error)

	// AuditPayments reads the next payments with all their operations and entries behind the
	// payment after, by id, at most limit of them, from one snapshot.
	AuditPayments(ctx context.Context, after id.UUID, limit int) ([]AuditedPayment, error)
}

// DecidePayment decides on a change. It gets what is stored; what is not there is zero. nil changes
// nothing.
type DecidePayment func(payment.Record) (*payment.Decision, error)

// PaymentChange asks for a change.
type PaymentChange struct {
	PaymentID payment.ID
	Operation payment.OperationID // the operation concerned; zero for none
	Event     PaymentEvent        // what a gateway told; zero when nobody did
	Decide    DecidePayment
	// Untold says that no saga of the order waits for this: what follows from a change is started with it.
	Untold bool
}

// PaymentEvent names an event of a gateway, so that it is taken once.
type PaymentEvent struct {
	Gateway string
	ID      string // the gateway's
}

// Key gives the key that the event is remembered by.
func (e PaymentEvent) Key() [16]byte {
	sum := sha256.Sum256([]byte(e.Gateway + "\x00" + e.ID))
	return [16]byte(sum[:16])
}

// PaymentQuery asks for a page of payments. Every field that is set must match.
type PaymentQuery struct {
	OrderID    order.ID
	CustomerID string
	State      payment.State
	After      id.UUID // where the page before ended; zero for the first page
	Limit      int     // at least 1
}

// AuditedPayment is a payment as it is stored, with all that belongs to it.
type AuditedPayment struct {
	Payment    payment.Payment
	Operations []payment.Operation // oldest first
	Entries    []payment.Entry     // by id
	Slots      []id.Slot           // where the rows say they belong; each should be the slot of the id
}
