package peers

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	inventoryv1 "github.com/orderprocessing/orderprocessing/gen/inventory/v1"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
)

// Stock is the inventory of another process. It does what inventory.Service does.
type Stock struct {
	peer   *Peer
	client inventoryv1.InventoryServiceClient
}

// NewStock makes a Stock over a connection to inventory.
func NewStock(p *Peer) *Stock {
	return &Stock{peer: p, client: inventoryv1.NewInventoryServiceClient(p.conn)}
}

// Hold sets stock aside for an order until expires; the zero time is never.
func (s *Stock) Hold(ctx context.Context, orderID order.ID, demands []stock.Demand, expires time.Time) ([]stock.Hold, error) {
	req := &inventoryv1.HoldStockRequest{OrderId: orderID.String(), Demands: demandsToProto(demands)}
	if !expires.IsZero() {
		req.ExpireTime = timestamppb.New(expires)
	}
	res, err := ask(ctx, s.peer, s.client.HoldStock, req)
	return holdsFromProto(orderID, res.GetHolds()), err
}

// Release lets go of what is held for an order and has not left the shelf.
func (s *Stock) Release(ctx context.Context, orderID order.ID, skus []string) ([]stock.Hold, error) {
	res, err := ask(ctx, s.peer, s.client.ReleaseStock, &inventoryv1.ReleaseStockRequest{OrderId: orderID.String(), Skus: skus})
	return holdsFromProto(orderID, res.GetHolds()), err
}

// Commit takes held stock off the shelf, once for each request id.
func (s *Stock) Commit(ctx context.Context, orderID order.ID, demands []stock.Demand, requestID string) ([]stock.Hold, error) {
	res, err := ask(ctx, s.peer, s.client.CommitStock, &inventoryv1.CommitStockRequest{
		OrderId: orderID.String(), Demands: demandsToProto(demands), RequestId: requestID,
	})
	return holdsFromProto(orderID, res.GetHolds()), err
}

// Adjust changes a stock level, once for each request id.
func (s *Stock) Adjust(ctx context.Context, a stock.Adjustment, requestID string) (stock.Level, error) {
	res, err := ask(ctx, s.peer, s.client.AdjustStock, &inventoryv1.AdjustStockRequest{
		Sku: a.SKU, Delta: a.Delta, Reason: inventoryv1.AdjustmentReason(a.Reason), RequestId: requestID,
	})
	if err != nil {
		return stock.Level{}, err
	}
	level := res.GetLevel()
	return stock.Level{
		SKU: level.GetSku(), OnHand: level.GetOnHand(), Held: level.GetHeld(), BackorderLimit: level.GetBackorderLimit(),
		Updated: level.GetUpdateTime().AsTime(),
	}, nil
}

func demandsToProto(demands []stock.Demand) []*inventoryv1.Demand {
	all := make([]*inventoryv1.Demand, len(demands))
	for i, d := range demands {
		all[i] = &inventoryv1.Demand{Sku: d.SKU, Quantity: d.Quantity}
	}
	return all
}

func holdsFromProto(orderID order.ID, holds []*inventoryv1.Hold) []stock.Hold {
	all := make([]stock.Hold, len(holds))
	for i, h := range holds {
		all[i] = stock.Hold{
			OrderID: orderID, SKU: h.GetSku(), Quantity: h.GetQuantity(), Committed: h.GetCommittedQuantity(),
			State: stock.HoldState(h.GetState()), //nolint:gosec // a defined value
		}
		if h.GetExpireTime() != nil {
			all[i].Expires = h.GetExpireTime().AsTime()
		}
	}
	return all
}
