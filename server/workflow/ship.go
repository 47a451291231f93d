package workflow

import (
	"context"
	"slices"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/payments"
	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// ship takes the goods of a parcel that has left off the shelf and what it costs of the money. Its
// subject is the parcel, or an order without goods: what is not shipped is paid when it is confirmed.
func (w *Workflow) ship() *saga.Saga {
	return forward(
		Ship,
		saga.Step{Name: "commit_stock", Do: done(w.commitStock), Cheap: true},
		saga.Step{Name: "capture", Do: w.capture, Cheap: true, Deadline: w.PaymentTimeout},
		saga.Step{Name: "summarize", Do: done(w.summarize), Deadline: w.PaymentTimeout},
	)
}

// parcelOf reads the parcel that a saga is about, and its order. For an order without goods the parcel
// is made up: it has no lines and costs all.
func (w *Workflow) parcelOf(ctx context.Context, c saga.Call) (order.Order, order.Shipment, error) {
	if shipmentID, err := order.ParseShipmentID(c.Subject); err == nil {
		o, err := w.Orders.Order(ctx, shipmentID.OrderID())
		if err != nil {
			return o, order.Shipment{}, err
		}
		s, err := o.Shipment(shipmentID)
		return o, s, err
	}
	o, err := w.orderOf(ctx, c)
	if err != nil {
		return o, order.Shipment{}, err
	}
	total, err := o.Total()
	return o, order.Shipment{Amount: total, Final: true}, err
}

func (w *Workflow) commitStock(ctx context.Context, c saga.Call) error {
	o, s, err := w.parcelOf(ctx, c)
	if err != nil || len(s.Lines) == 0 || o.Source != "" { // history holds no stock
		return err
	}
	_, err = w.Stock.Commit(ctx, o.ID, store.ShipmentDemands(o, s), store.ShipmentRequestID(s.ID))
	return err
}

// capture takes what a parcel costs. The last parcel waits for the others: what is left after it is let
// go, so it has to be captured last.
func (w *Workflow) capture(ctx context.Context, c saga.Call) (saga.Result, error) {
	o, s, err := w.parcelOf(ctx, c)
	if err != nil || w.Payments == nil || s.Amount == 0 && !s.Final {
		return saga.Done(), err
	}
	all, err := w.Payments.OfOrder(ctx, o.ID)
	if err != nil {
		return saga.Result{}, err
	}
	total, err := o.Total()
	if err != nil {
		return saga.Result{}, err
	}
	p, due := paidWith(all, total, s.Amount), othersCost(o, s)+s.Amount
	switch {
	case len(all) == 0, taken(all) >= due: // taken as history, or paid in another way
		return saga.Done(), nil
	case p.ID.IsZero(): // the goods have left: staff have to find another way to be paid
		return saga.Result{}, fault.New(fault.KindPrecondition, fault.ReasonAuthorizationExpired,
			"nothing is set aside any more for what has left")
	case s.Final && taken(all) < due-s.Amount: // what is pending may turn out never to have been sent
		return saga.Later(time.Second, "OTHER_PARCELS_FIRST"), nil
	}
	_, err = w.Payments.Capture(ctx, payments.Change{PaymentID: p.ID, Amount: s.Amount, Final: s.Final, Key: c.Key})
	return saga.Done(), err
}

// summarize ends what is about the money of a parcel. Behind the last one nothing stays set aside.
func (w *Workflow) summarize(ctx context.Context, c saga.Call) error {
	o, s, err := w.parcelOf(ctx, c)
	if err != nil {
		return err
	}
	if s.Final && w.Payments != nil {
		if err := w.Payments.Release(ctx, o.ID, occasion(c)); err != nil {
			return err
		}
	}
	_, err = w.Summarize(ctx, o.ID)
	return err
}

// othersCost is what the other parcels that have left cost.
func othersCost(o order.Order, s order.Shipment) (cost money.Minor) {
	for _, other := range o.Shipments {
		if other.ID != s.ID {
			cost += other.Amount
		}
	}
	return cost
}

// paidWith gives the payment among those of an order that pays for it: the one that is enough for all of
// it, or for what is due just now; the zero one when there is none.
func paidWith(all []payment.Payment, total, amount money.Minor) payment.Payment {
	for _, pays := range []func(payment.Payment) bool{
		func(p payment.Payment) bool { return p.Authorized > 0 && p.Authorized-p.Released >= total }, // before a capture and after it
		func(p payment.Payment) bool { return p.Left() > 0 && p.Left() >= amount },
		func(p payment.Payment) bool { return p.Captured > 0 || p.Open() },
	} {
		if i := slices.IndexFunc(all, pays); i >= 0 {
			return all[i]
		}
	}
	return payment.Payment{}
}

// taken is what was captured.
func taken(all []payment.Payment) (sum money.Minor) {
	for _, p := range all {
		sum += p.Captured
	}
	return sum
}
