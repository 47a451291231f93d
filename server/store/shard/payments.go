package shard

import (
	"context"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// ChangePayment goes to the shard of the payment, which is that of its order.
func (s *Store) ChangePayment(ctx context.Context, c store.PaymentChange) (payment.Record, error) {
	return s.Of(c.PaymentID.Slot()).ChangePayment(ctx, c)
}

// Payment goes to the shard of the payment.
func (s *Store) Payment(ctx context.Context, paymentID payment.ID) (payment.Payment, error) {
	return s.Of(paymentID.Slot()).Payment(ctx, paymentID)
}

// PaymentOperations goes to the shard of the payment.
func (s *Store) PaymentOperations(ctx context.Context, paymentID payment.ID) ([]payment.Operation, error) {
	return s.Of(paymentID.Slot()).PaymentOperations(ctx, paymentID)
}

// Payments asks the order's shard, or the customer's, or all of them, and merges by id.
func (s *Store) Payments(ctx context.Context, q store.PaymentQuery) ([]payment.Payment, error) {
	if !q.OrderID.IsZero() {
		return s.Of(q.OrderID.Slot()).Payments(ctx, q)
	}
	newestFirst := func(a, b payment.Payment) int { return b.ID.Compare(a.ID.UUID) }
	return merge(ctx, s.holders(q.CustomerID), q.Limit, newestFirst, func(ctx context.Context, one store.Store) ([]payment.Payment, error) {
		return one.Payments(ctx, q)
	})
}

// OpenOperations asks every shard and merges by how long each waits.
func (s *Store) OpenOperations(ctx context.Context, before time.Time, limit int) ([]payment.Operation, error) {
	longest := func(a, b payment.Operation) int { return a.Updated.Compare(b.Updated) }
	return merge(ctx, s.shards, limit, longest, func(ctx context.Context, one store.Store) ([]payment.Operation, error) {
		return one.OpenOperations(ctx, before, limit)
	})
}

// AuditPayments asks every shard and merges by id. To learn which shard holds what, audit the Shards.
func (s *Store) AuditPayments(ctx context.Context, after id.UUID, limit int) ([]store.AuditedPayment, error) {
	byID := func(a, b store.AuditedPayment) int { return a.Payment.ID.Compare(b.Payment.ID.UUID) }
	return merge(ctx, s.shards, limit, byID, func(ctx context.Context, one store.Store) ([]store.AuditedPayment, error) {
		return one.AuditPayments(ctx, after, limit)
	})
}
