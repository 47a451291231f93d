package integrity

import (
	"context"
	"fmt"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// paymentPage is how many payments are read from one snapshot.
const paymentPage = 200

// checkPayments reads all payments of a shard and gives how many there are. A payment, its operations
// and its ledger entries come from one snapshot. What the gateway says is not asked here.
func (r *Report) checkPayments(ctx context.Context, shard int, one store.Store, layout Layout) (payments int64, err error) {
	var after id.UUID
	for {
		page, err := one.AuditPayments(ctx, after, paymentPage)
		if err != nil || len(page) == 0 {
			return payments, err
		}
		for _, a := range page {
			r.inspectPayment(shard, a, layout)
		}
		payments += int64(len(page))
		after = page[len(page)-1].Payment.ID.UUID
	}
}

func (r *Report) inspectPayment(shard int, a store.AuditedPayment, layout Layout) {
	p := a.Payment
	found := func(invariant, format string, args ...any) {
		r.add(Violation{
			Invariant: invariant, Shard: shard, OrderID: p.OrderID.String(),
			Detail: p.ID.String() + ": " + fmt.Sprintf(format, args...),
		})
	}
	slot := p.ID.Slot()
	if owner := layout.Owner(slot); owner != shard {
		found(Placement, "slot %d belongs to shard %d", slot, owner)
	}
	for _, s := range a.Slots {
		if s != slot {
			found(Placement, "a row says slot %d, the payment %d", s, slot)
		}
	}
	for _, broken := range payment.Inspect(p, a.Operations, a.Entries) {
		found(Money, "%s", broken)
	}
}
