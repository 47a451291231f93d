package integrity

import (
	"context"
	"fmt"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// paymentPage is how many payments are read from one snapshot.
const paymentPage = 200

// paymentWalk reads the payments of a shard beside its orders: both come by time and slot. A payment,
// its operations and its ledger entries come from one snapshot.
type paymentWalk struct {
	*check

	shard int
	store store.Store
	page  []payment.Payment // read, and not given yet
	after id.UUID
	ended bool
	read  int64
}

// until gives the payments of orders up to this one, by order.
func (w *paymentWalk) until(ctx context.Context, last id.UUID) (map[order.ID][]payment.Payment, error) {
	_, end := payment.Span(last)
	paid := map[order.ID][]payment.Payment{}
	for {
		for len(w.page) > 0 && w.page[0].ID.Compare(end) <= 0 {
			p := w.page[0]
			paid[p.OrderID] = append(paid[p.OrderID], p)
			w.page = w.page[1:]
		}
		if len(w.page) > 0 || w.ended {
			return paid, nil
		}
		if err := w.next(ctx); err != nil {
			return nil, err
		}
	}
}

// rest reads the payments behind the last order: their orders are newer, or not there.
func (w *paymentWalk) rest(ctx context.Context) error {
	for {
		for _, p := range w.page {
			w.suspects.add(p.OrderID)
		}
		w.page = nil
		if w.ended {
			return nil
		}
		if err := w.settleMany(ctx); err != nil {
			return err
		}
		if err := w.next(ctx); err != nil {
			return err
		}
	}
}

func (w *paymentWalk) next(ctx context.Context) error {
	page, err := w.store.AuditPayments(ctx, w.after, paymentPage)
	if err != nil {
		return err
	}
	if len(page) == 0 {
		w.ended = true
		return nil
	}
	w.read += int64(len(page))
	for _, a := range page {
		w.inspectPayment(w.shard, a)
		w.page = append(w.page, a.Payment)
	}
	w.after = page[len(page)-1].Payment.ID.UUID
	return nil
}

func (c *check) inspectPayment(shard int, a store.AuditedPayment) {
	p := a.Payment
	found := func(invariant, format string, args ...any) {
		c.found(Violation{
			Invariant: invariant, Shard: shard, OrderID: p.OrderID.String(),
			Detail: p.ID.String() + ": " + fmt.Sprintf(format, args...),
		})
	}
	slot := p.ID.Slot()
	if owner := c.Owner(slot); owner != shard {
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
