package inventory

import (
	"context"
	"strings"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// Hold sets stock aside for an order until expires; the zero time is never. It gives one hold for
// each demand.
func (s *Service) Hold(ctx context.Context, orderID order.ID, demands []stock.Demand, expires time.Time) ([]stock.Hold, error) {
	if err := checkSKUs("demands", skusOf(demands)); err != nil {
		return nil, err
	}
	return s.store.HoldStock(ctx, orderID, demands, expires)
}

// Release lets go of what is held for an order and has not left the shelf.
func (s *Service) Release(ctx context.Context, orderID order.ID, skus []string) ([]stock.Hold, error) {
	if err := checkSKUs("skus", skus); err != nil {
		return nil, err
	}
	return s.store.ReleaseStock(ctx, orderID, skus)
}

// Commit takes held stock off the shelf, once for each request id.
func (s *Service) Commit(ctx context.Context, orderID order.ID, demands []stock.Demand, requestID string) ([]stock.Hold, error) {
	if err := checkSKUs("demands", skusOf(demands)); err != nil {
		return nil, err
	}
	return s.store.CommitStock(ctx, orderID, demands, store.CommitRequest(orderID, demands, requestID))
}

func skusOf(demands []stock.Demand) []string {
	skus := make([]string, len(demands))
	for i, d := range demands {
		skus[i] = d.SKU
	}
	return skus
}

// checkSKUs refuses what is named twice, and what no SKU can be.
func checkSKUs(field string, skus []string) error {
	seen := make(map[string]bool, len(skus))
	for _, sku := range skus {
		if strings.ContainsRune(sku, 0) {
			return fault.Invalid(fault.ReasonInvalidRequest, field, "a SKU has no NUL in it")
		}
		if seen[sku] {
			return fault.Invalid(fault.ReasonSKURepeated, field, "%q is named twice", sku)
		}
		seen[sku] = true
	}
	return nil
}
