package workflow

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/saga"
)

// holdStock sets the goods of an order aside. The holds have no expiry of their own: the saga lets go
// of them when its own deadline is over.
func (w *Workflow) holdStock(ctx context.Context, c saga.Call) (saga.Result, error) {
	o, err := w.orderOf(ctx, c)
	if err != nil {
		return saga.Result{}, err
	}
	if result, ok := begins(o); !ok {
		return result, nil
	}
	return w.hold(ctx, o)
}

// hold sets aside what the order reads like now. Without any of it the order is refused; without a
// part, its customer is asked.
func (w *Workflow) hold(ctx context.Context, o order.Order) (saga.Result, error) {
	demands := demandsOf(o)
	if o.Placements > 1 {
		if err := w.releaseDropped(ctx, o); err != nil {
			return saga.Result{}, err
		}
	}
	if len(demands) == 0 {
		return saga.Done(), nil
	}
	holds, err := w.Stock.Hold(ctx, o.ID, demands, time.Time{})
	if err != nil {
		return saga.Result{}, err
	}
	missing, held, before := false, false, o.Placements > 1
	for i, h := range holds {
		held = held || h.IsOpen()
		before = before || h.State != stock.Requested && h.State != stock.Unavailable
		missing = missing || !h.IsOpen() || h.Quantity != demands[i].Quantity
	}
	switch {
	case !missing:
		return saga.Done(), nil
	case !held && !before:
		return saga.Refused(ReasonOutOfStock), nil
	case !held: // any more
		return saga.RefusedPartly(ReasonOutOfStock), nil
	}
	return w.ask(ctx, o, ReasonOutOfStock, "")
}

// releaseStock lets go of all that the order ever wanted.
func (w *Workflow) releaseStock(ctx context.Context, c saga.Call) error {
	o, err := w.orderOf(ctx, c)
	if err != nil {
		return err
	}
	skus, err := w.everWanted(ctx, o)
	if err != nil || len(skus) == 0 {
		return err
	}
	_, err = w.Stock.Release(ctx, o.ID, slices.Sorted(maps.Keys(skus)))
	return err
}

// releaseDropped lets go of what the order once wanted and does no more. It may want it again.
func (w *Workflow) releaseDropped(ctx context.Context, o order.Order) error {
	skus, err := w.everWanted(ctx, o)
	if err != nil {
		return err
	}
	var demands []stock.Demand
	wanted := o.Demands()
	for _, sku := range slices.Sorted(maps.Keys(skus)) {
		if wanted[sku] == 0 {
			demands = append(demands, stock.Demand{SKU: sku})
		}
	}
	if len(demands) == 0 {
		return nil
	}
	_, err = w.Stock.Hold(ctx, o.ID, demands, time.Time{})
	return err
}

// everWanted gives the SKUs that the order has wanted since it was first placed, and those that it
// was edited or is to be amended to.
func (w *Workflow) everWanted(ctx context.Context, o order.Order) (map[string]int64, error) {
	wanted := o.Demands()
	const page = 500
	for after := int64(0); ; {
		events, err := w.Orders.OrderEvents(ctx, o.ID, after, page)
		if err != nil {
			return nil, err
		}
		for _, e := range events {
			switch c := e.Change.(type) {
			case order.Placed:
				maps.Copy(wanted, c.Details.Demands())
			case order.AmendmentAsked:
				maps.Copy(wanted, order.Details{Lines: c.Lines}.Demands())
			}
			after = e.Sequence
		}
		if len(events) < page {
			return wanted, nil
		}
	}
}

// demandsOf gives what an order wants, by SKU.
func demandsOf(o order.Order) []stock.Demand {
	wanted := o.Demands()
	demands := make([]stock.Demand, 0, len(wanted))
	for _, sku := range slices.Sorted(maps.Keys(wanted)) {
		demands = append(demands, stock.Demand{SKU: sku, Quantity: wanted[sku]})
	}
	return demands
}
