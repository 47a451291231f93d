package workflow_test

import (
	"context"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// crashingShop may die at each change of orders and stock.
type crashingShop struct {
	store.Store
	crash *crash
}

func (s *crashingShop) ChangeOrder(ctx context.Context, orderID order.ID, r store.Request, decide store.Decide) (order.Order, error) {
	return mortal(s.crash, func() (order.Order, error) { return s.Store.ChangeOrder(ctx, orderID, r, decide) })
}

func (s *crashingShop) ChangeReturn(ctx context.Context, c store.ReturnChange) (order.Return, error) {
	return mortal(s.crash, func() (order.Return, error) { return s.Store.ChangeReturn(ctx, c) })
}

func (s *crashingShop) HoldStock(ctx context.Context, orderID order.ID, demands []stock.Demand, expires time.Time) ([]stock.Hold, error) {
	return mortal(s.crash, func() ([]stock.Hold, error) { return s.Store.HoldStock(ctx, orderID, demands, expires) })
}

func (s *crashingShop) ReleaseStock(ctx context.Context, orderID order.ID, skus []string) ([]stock.Hold, error) {
	return mortal(s.crash, func() ([]stock.Hold, error) { return s.Store.ReleaseStock(ctx, orderID, skus) })
}

func (s *crashingShop) CommitStock(ctx context.Context, orderID order.ID, demands []stock.Demand, r store.Request) ([]stock.Hold, error) {
	return mortal(s.crash, func() ([]stock.Hold, error) { return s.Store.CommitStock(ctx, orderID, demands, r) })
}

func (s *crashingShop) AdjustStock(ctx context.Context, a stock.Adjustment, r store.Request) (stock.Level, error) {
	return mortal(s.crash, func() (stock.Level, error) { return s.Store.AdjustStock(ctx, a, r) })
}

// books is where payments are kept, under a name that is not that of a method.
type books interface{ store.Payments }

// crashingPayments may die whenever something is recorded of a payment.
type crashingPayments struct {
	books
	crash *crash
}

func (s *crashingPayments) ChangePayment(ctx context.Context, c store.PaymentChange) (payment.Record, error) {
	return mortal(s.crash, func() (payment.Record, error) { return s.books.ChangePayment(ctx, c) })
}

// crashingGateway may die with each call of the bank, which may turn voids away.
type crashingGateway struct {
	gateway.Gateway
	world *world
}

func (g *crashingGateway) Authorize(ctx context.Context, r gateway.AuthorizeRequest) (gateway.Result, error) {
	return mortal(&g.world.crash, func() (gateway.Result, error) { return g.Gateway.Authorize(ctx, r) })
}

func (g *crashingGateway) Capture(ctx context.Context, r gateway.CaptureRequest) (gateway.Result, error) {
	return mortal(&g.world.crash, func() (gateway.Result, error) { return g.Gateway.Capture(ctx, r) })
}

func (g *crashingGateway) Void(ctx context.Context, r gateway.VoidRequest) (gateway.Result, error) {
	if g.world.deaf > 0 {
		g.world.deaf--
		return gateway.Result{}, gateway.Temporary(0, nil)
	}
	if g.refuses() {
		return refusal, nil
	}
	return mortal(&g.world.crash, func() (gateway.Result, error) { return g.Gateway.Void(ctx, r) })
}

func (g *crashingGateway) Refund(ctx context.Context, r gateway.RefundRequest) (gateway.Result, error) {
	if g.refuses() {
		return refusal, nil
	}
	return mortal(&g.world.crash, func() (gateway.Result, error) { return g.Gateway.Refund(ctx, r) })
}

// refusal is what the bank says that will not.
var refusal = gateway.Result{Outcome: gateway.OutcomeDeclined}

func (g *crashingGateway) refuses() bool {
	g.world.refuses--
	return g.world.refuses >= 0
}
