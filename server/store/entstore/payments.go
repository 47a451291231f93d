package entstore

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/orderprocessing/orderprocessing/ent/db"
	"github.com/orderprocessing/orderprocessing/ent/db/ledgerentry"
	entpayment "github.com/orderprocessing/orderprocessing/ent/db/payment"
	"github.com/orderprocessing/orderprocessing/ent/db/paymentoperation"
	"github.com/orderprocessing/orderprocessing/ent/db/predicate"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// Payment reads one payment by its key.
func (s *Store) Payment(ctx context.Context, paymentID payment.ID) (payment.Payment, error) {
	row, err := s.read.Payment.Get(ctx, uuid.UUID(paymentID.UUID))
	if db.IsNotFound(err) {
		return payment.Payment{}, payment.NotFound()
	}
	if err != nil {
		return payment.Payment{}, fromDriver(err)
	}
	return paymentFromRow(row), nil
}

// PaymentOperations reads the run of keys that operations of the payment lie in.
func (s *Store) PaymentOperations(ctx context.Context, paymentID payment.ID) ([]payment.Operation, error) {
	first, last := payment.Span(paymentID.UUID)
	rows, err := s.read.PaymentOperation.Query().Where(
		paymentoperation.IDGTE(uuid.UUID(first)), paymentoperation.IDLTE(uuid.UUID(last)),
		paymentoperation.PaymentID(uuid.UUID(paymentID.UUID)),
	).All(ctx)
	if err != nil {
		return nil, fromDriver(err)
	}
	return operationsFromRows(rows), nil
}

// Payments walks the run of keys of the order, or the index of the customer or of the state, or all
// keys.
func (s *Store) Payments(ctx context.Context, q store.PaymentQuery) ([]payment.Payment, error) {
	var where []predicate.Payment
	if !q.OrderID.IsZero() {
		first, last := payment.Span(q.OrderID.UUID)
		where = append(where, entpayment.IDGTE(uuid.UUID(first)), entpayment.IDLTE(uuid.UUID(last)),
			entpayment.OrderID(uuid.UUID(q.OrderID.UUID)))
	}
	if q.State != 0 {
		where = append(where, entpayment.State(uint8(q.State)))
	}
	w := newWalk(time.Time{}, time.Time{}, q.After, false)
	switch {
	case q.CustomerID == "":
	case q.OrderID.IsZero():
		w.along(customerColumns, int16(id.SlotOf(q.CustomerID)), q.CustomerID) //nolint:gosec // below 4096
	default:
		where = append(where, entpayment.CustomerID(q.CustomerID))
	}
	rows, err := s.read.Payment.Query().Where(where...).Where(w.between).Order(w.order).Limit(q.Limit).All(ctx)
	if err != nil {
		return nil, fromDriver(err)
	}
	payments := make([]payment.Payment, len(rows))
	for i, row := range rows {
		payments[i] = paymentFromRow(row)
	}
	return payments, nil
}

// OpenOperations walks the index that holds nothing else.
func (s *Store) OpenOperations(ctx context.Context, before time.Time, limit int) ([]payment.Operation, error) {
	open := func(sel *entsql.Selector) { sel.Where(entsql.ExprP("state IN (2, 3)")) } // as the index says it
	rows, err := s.read.PaymentOperation.Query().Where(open, paymentoperation.UpdateTimeLT(before)).
		Order(paymentoperation.ByUpdateTime()).Limit(limit).All(ctx)
	if err != nil {
		return nil, fromDriver(err)
	}
	operations := make([]payment.Operation, len(rows))
	for i, row := range rows {
		operations[i] = operationFromRow(row)
	}
	return operations, nil
}

// AuditPayments reads payments, operations and entries in one snapshot.
func (s *Store) AuditPayments(ctx context.Context, after id.UUID, limit int) ([]store.AuditedPayment, error) {
	tx, err := s.snapshot(ctx)
	if err != nil {
		return nil, fromDriver(err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	audited, err := auditPayments(ctx, tx, after, limit)
	return audited, fromDriver(err)
}

func auditPayments(ctx context.Context, tx *db.Tx, after id.UUID, limit int) ([]store.AuditedPayment, error) {
	rows, err := tx.Payment.Query().Where(entpayment.IDGT(uuid.UUID(after))).Order(entpayment.ByID()).Limit(limit).All(ctx)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	first, _ := payment.Span(id.UUID(rows[0].ID))
	_, last := payment.Span(id.UUID(rows[len(rows)-1].ID))
	operations, err := tx.PaymentOperation.Query().
		Where(paymentoperation.IDGTE(uuid.UUID(first)), paymentoperation.IDLTE(uuid.UUID(last))).All(ctx)
	if err != nil {
		return nil, err
	}
	entries, err := tx.LedgerEntry.Query().
		Where(ledgerentry.IDGTE(uuid.UUID(first)), ledgerentry.IDLTE(uuid.UUID(last))).Order(ledgerentry.ByID()).All(ctx)
	if err != nil {
		return nil, err
	}
	operationsOf := map[uuid.UUID][]*db.PaymentOperation{}
	for _, row := range operations {
		operationsOf[row.PaymentID] = append(operationsOf[row.PaymentID], row)
	}
	entriesOf := map[uuid.UUID][]*db.LedgerEntry{}
	for _, row := range entries {
		entriesOf[row.PaymentID] = append(entriesOf[row.PaymentID], row)
	}
	audited := make([]store.AuditedPayment, len(rows))
	for i, row := range rows {
		a := store.AuditedPayment{Payment: paymentFromRow(row), Operations: operationsFromRows(operationsOf[row.ID])}
		a.Slots = append(a.Slots, id.Slot(row.Slot)) //nolint:gosec // as it was written
		for _, o := range operationsOf[row.ID] {
			a.Slots = append(a.Slots, id.Slot(o.Slot)) //nolint:gosec // as it was written
		}
		for _, e := range entriesOf[row.ID] {
			a.Slots = append(a.Slots, id.Slot(e.Slot)) //nolint:gosec // as it was written
			a.Entries = append(a.Entries, entryFromRow(e))
		}
		audited[i] = a
	}
	return audited, nil
}

// operationsFromRows gives operations, oldest first.
func operationsFromRows(rows []*db.PaymentOperation) []payment.Operation {
	operations := make([]payment.Operation, len(rows))
	for i, row := range rows {
		operations[i] = operationFromRow(row)
	}
	slices.SortFunc(operations, func(a, b payment.Operation) int {
		return cmp.Or(a.Created.Compare(b.Created), bytes.Compare(a.ID.UUID[:], b.ID.UUID[:]))
	})
	return operations
}
