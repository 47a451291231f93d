package load

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	client "github.com/orderprocessing/orderprocessing/clients/go"
	inventoryv1 "github.com/orderprocessing/orderprocessing/gen/inventory/v1"
)

const (
	currency = "GBP"
	// plenty is how many of each product there are to sell: the most that a server adds at once.
	plenty = 1_000_000_000
	// stockers is how many products are stocked at once.
	stockers = 16
)

func sku(product int) string { return fmt.Sprintf("LOAD-%06d", product) }

// price differs between products, so that totals do.
func price(product int) int64 { return 100 + int64(product)*37%4900 }

// stock makes the products and puts plenty of each on the shelf, once for all loads of a server.
func (r *run) stock(ctx context.Context, c *client.Client) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(stockers)
	for n := range r.Products {
		group.Go(func() error {
			product := &inventoryv1.Product{Sku: sku(n), Name: "Load", CurrencyCode: currency, UnitPriceMinor: price(n)}
			if _, err := c.Inventory.UpsertProduct(ctx, &inventoryv1.UpsertProductRequest{RequestId: "load-product-" + sku(n), Product: product}); err != nil {
				return err
			}
			_, err := c.Inventory.AdjustStock(ctx, &inventoryv1.AdjustStockRequest{
				RequestId: "load-stock-" + sku(n), Sku: sku(n), Delta: plenty,
				Reason: inventoryv1.AdjustmentReason_ADJUSTMENT_REASON_RECEIVED,
			})
			return err
		})
	}
	return group.Wait()
}
