package main

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/sync/errgroup"

	client "github.com/orderprocessing/orderprocessing/clients/go"
	inventoryv1 "github.com/orderprocessing/orderprocessing/gen/inventory/v1"
)

// goods is how many products there are, and plenty how many of each.
const (
	goods  = 3000
	plenty = 1_000_000_000
)

// skuOf names a product, in as many bytes as those of the floor's orders.
func skuOf(n int) string { return fmt.Sprintf("SKU-%05d", n) }

// stockUp puts plenty of every product on the shelves.
func (p *process) stockUp(ctx context.Context) error {
	c, err := client.New("http://"+p.api, client.WithToken(os.Getenv(tokenVariable)))
	if err != nil {
		return err
	}
	defer c.Close()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(32)
	for n := range goods {
		group.Go(func() error {
			product := &inventoryv1.Product{Sku: skuOf(n), Name: "something", CurrencyCode: "GBP", UnitPriceMinor: 255}
			_, err := c.Inventory.UpsertProduct(ctx, &inventoryv1.UpsertProductRequest{RequestId: fmt.Sprint("product-", n), Product: product})
			if err != nil {
				return err
			}
			_, err = c.Inventory.AdjustStock(ctx, &inventoryv1.AdjustStockRequest{
				RequestId: fmt.Sprint("stock-", n), Sku: product.GetSku(), Delta: plenty,
				Reason: inventoryv1.AdjustmentReason_ADJUSTMENT_REASON_RECEIVED,
			})
			return err
		})
	}
	return group.Wait()
}
