// Package workflow ties the services together: its sagas carry an order from placed to confirmed, its
// parcels to paid and its returns to refunded, or undo what was begun. The rules are those of the
// domain, the work is that of the services; here stands only what follows what.
package workflow

import (
	"context"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/domain/risk"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/payments"
	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// Orders is what the sagas need of the orders.
type Orders interface {
	Order(ctx context.Context, orderID order.ID) (order.Order, error)
	FindOrders(ctx context.Context, orderIDs []order.ID) ([]order.Order, error)
	ChangeOrder(ctx context.Context, orderID order.ID, r store.Request, decide store.Decide) (order.Order, error)
	OrderEvents(ctx context.Context, orderID order.ID, after int64, limit int) ([]order.Event, error)
	Return(ctx context.Context, returnID order.ReturnID) (order.Return, error)
	ChangeReturn(ctx context.Context, c store.ReturnChange) (order.Return, error)
}

// Stock is what the sagas need of the stock. It may be in another process.
type Stock interface {
	Hold(ctx context.Context, orderID order.ID, demands []stock.Demand, expires time.Time) ([]stock.Hold, error)
	Release(ctx context.Context, orderID order.ID, skus []string) ([]stock.Hold, error)
	Commit(ctx context.Context, orderID order.ID, demands []stock.Demand, requestID string) ([]stock.Hold, error)
	Adjust(ctx context.Context, a stock.Adjustment, requestID string) (stock.Level, error)
}

// Payments is what the sagas need of the money. It may be in another process. What is asked for again
// with the same key, or on the same occasion, moves nothing twice.
type Payments interface {
	Authorize(ctx context.Context, a payments.Authorize) (payment.Record, error)
	Capture(ctx context.Context, c payments.Change) (payment.Record, error)
	RefundOrder(ctx context.Context, orderID order.ID, amount money.Minor, note string, on payments.Occasion) (given money.Minor, err error)
	Release(ctx context.Context, orderID order.ID, on payments.Occasion) error
	LetGo(ctx context.Context, orderID order.ID, on payments.Occasion, but payment.ID) error
	LetGoOne(ctx context.Context, paymentID payment.ID, on payments.Occasion) error
	Forsake(ctx context.Context, a payments.Authorize) error
	OrderOf(ctx context.Context, paymentID payment.ID) (order.ID, error)
	OfOrder(ctx context.Context, orderID order.ID) ([]payment.Payment, error)
	Status(ctx context.Context, o order.Order) (order.PaymentStatus, error)
}

// Risk assesses an order; asked again it gives the same answer.
type Risk interface {
	Assess(ctx context.Context, o order.Order) (risk.Assessment, error)
	// Judge assesses the order as it reads now, whatever was said of it before.
	Judge(ctx context.Context, o order.Order) (risk.Assessment, error)
}

// Options are what the sagas work with.
type Options struct {
	Orders Orders
	Stock  Stock
	Risk   Risk
	// Payments moves the money. Nil is a shop that is paid in other ways: its orders go on without.
	Payments Payments
	// PaymentTimeout bounds one attempt at moving money. 0 means 30 s.
	PaymentTimeout time.Duration
	Now            func() time.Time
}

// Workflow is the sagas' steps. Make it with New; it is safe for concurrent use.
type Workflow struct{ Options }

// New makes the steps.
func New(o Options) *Workflow {
	if o.PaymentTimeout == 0 {
		o.PaymentTimeout = 30 * time.Second
	}
	return &Workflow{o}
}

// The names of the sagas. They are stored.
const (
	Place  = "place"
	Amend  = "amend"
	Cancel = "cancel"
	Ship   = "ship"
	Return = "return"
	Expire = "expire"
	Tell   = "tell"
)

// Sagas gives the plans.
func (w *Workflow) Sagas() (saga.Book, error) {
	return saga.NewBook(w.place(), w.amend(), w.cancel(), w.ship(), w.giveBack(), w.expire(), w.tell())
}

// retry is how a step that met trouble is tried again.
var retry = saga.Retry{Base: 100 * time.Millisecond, Max: 30 * time.Second}

// forward makes a saga that is only finished, never undone: what it is about has happened already.
func forward(name string, steps ...saga.Step) *saga.Saga {
	begin := saga.Step{
		Name: "begin", Cheap: true, NoReturn: true,
		Do: func(context.Context, saga.Call) (saga.Result, error) { return saga.Done(), nil },
	}
	for i := range steps {
		steps[i].Retry = retry
	}
	return &saga.Saga{Name: name, Steps: append([]saga.Step{begin}, steps...)}
}

// change lets decide change an order.
func (w *Workflow) change(ctx context.Context, orderID order.ID, decide store.Decide) (order.Order, error) {
	return w.Orders.ChangeOrder(ctx, orderID, store.Request{}, decide)
}

// loadOrders reads the orders that sagas are about.
func (w *Workflow) loadOrders(ctx context.Context, subjects []string) (map[string]any, error) {
	orderIDs := make([]order.ID, len(subjects))
	for i, subject := range subjects {
		var err error
		if orderIDs[i], err = order.ParseID(subject); err != nil {
			return nil, err
		}
	}
	found, err := w.Orders.FindOrders(ctx, orderIDs)
	loaded := make(map[string]any, len(found))
	for _, o := range found {
		loaded[o.ID.String()] = &o
	}
	return loaded, err
}

// orderOf gives the order that a saga is about: as it was loaded, or as it reads now.
func (w *Workflow) orderOf(ctx context.Context, c saga.Call) (order.Order, error) {
	if o, ok := c.Loaded.(*order.Order); ok {
		return *o, nil
	}
	orderID, err := order.ParseID(c.Subject)
	if err != nil {
		return order.Order{}, err
	}
	return w.Orders.Order(ctx, orderID)
}

// moneyOf sums up what has become of the money of an order.
func (w *Workflow) moneyOf(ctx context.Context, o order.Order) (order.PaymentStatus, error) {
	if w.Payments == nil {
		return o.Payment, nil
	}
	return w.Payments.Status(ctx, o)
}

// Summarize writes what has become of the money of an order into it, when it was confirmed. waits tells
// that the saga that places the order has reason to look: the order waits for its customer, perhaps for
// just this, or is about to be confirmed with money that was let go.
func (w *Workflow) Summarize(ctx context.Context, orderID order.ID) (waits bool, err error) {
	for {
		o, err := w.Orders.Order(ctx, orderID)
		if err != nil || o.Confirmed.IsZero() && o.Lifecycle != order.Pending {
			return o.Lifecycle == order.ActionRequired, err
		}
		status, err := w.moneyOf(ctx, o)
		if err != nil || o.Lifecycle == order.Pending {
			return status == order.PaymentVoided, err
		}
		if changes, err := o.Paid(status); err != nil || len(changes) == 0 {
			return false, err
		}
		overtaken := false
		_, err = w.change(ctx, orderID, func(now order.Order) ([]order.Change, error) {
			if overtaken = now.Version != o.Version; overtaken { // by who may have seen more of the money
				return nil, nil
			}
			return now.Paid(status)
		})
		if err != nil || !overtaken {
			return false, err
		}
	}
}
