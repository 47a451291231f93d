package replay

import (
	"context"

	"github.com/orderprocessing/orderprocessing/clients/importer"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
)

// giveBack takes the goods of a cancellation back, from each order that was delivered and paid. An error ends
// the replay.
func (r *run) giveBack(ctx context.Context, doc *importer.Document, parts []part) error {
	matched := false
	for _, p := range parts {
		select {
		case <-p.sale.done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if !p.sale.completed {
			continue
		}
		matched = true
		if err := r.giveBackPart(ctx, doc, p); err != nil && !refused(err) {
			return err
		} else if err != nil {
			r.tally.failed(err)
			continue
		}
		r.tally.returned()
	}
	r.tally.cancellation(matched)
	return nil
}

// giveBackPart refunds what the goods are worth, and puts them back on the shelf.
func (r *run) giveBackPart(ctx context.Context, doc *importer.Document, p part) error {
	request := func(step string) string { return r.request(step, doc.Source, doc.Number, p.sale.id) }
	asked, err := persist(ctx, r, r.client.Returns.RequestReturn, &ordersv1.RequestReturnRequest{
		OrderId: p.sale.id, RequestId: request("return"), Lines: p.lines, Reason: doc.Number,
	})
	if err != nil {
		return err
	}
	returnID := asked.GetReturn().GetId()
	if _, err := persist(ctx, r, r.client.Returns.ApproveReturn, &ordersv1.ApproveReturnRequest{
		ReturnId: returnID, RequestId: request("approve"),
	}); err != nil {
		return err
	}
	if _, err := persist(ctx, r, r.client.Returns.ReceiveReturn, &ordersv1.ReceiveReturnRequest{
		ReturnId: returnID, RequestId: request("receive"),
	}); err != nil {
		return err
	}
	_, err = persist(ctx, r, r.client.Returns.CloseReturn, &ordersv1.CloseReturnRequest{
		ReturnId: returnID, RequestId: request("close"), Restock: p.lines,
	})
	return err
}
