package replay

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/orderprocessing/orderprocessing/clients/importer"
	inventoryv1 "github.com/orderprocessing/orderprocessing/gen/inventory/v1"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
)

// stockers is how many products are stocked at once, at most: a server that is swamped is no faster.
const stockers = 64

// maxDelta is how much a server adds to a stock level at once.
const maxDelta = 1_000_000_000

// demand is what the documents sell of one SKU.
type demand struct {
	product  *inventoryv1.Product
	quantity int64
}

// stock makes the products that the documents sell, and puts as many of each on the shelf.
func (r *run) stock(ctx context.Context) error {
	demands, err := r.demands(ctx)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(min(r.Concurrency, stockers))
	for _, sku := range slices.Sorted(maps.Keys(demands)) {
		group.Go(func() error { return r.supply(ctx, demands[sku]) })
	}
	return group.Wait()
}

func (r *run) demands(ctx context.Context) (map[string]*demand, error) {
	demands := map[string]*demand{}
	err := r.each(func(_ *importer.Document, converted *ordersv1.ImportDocument) error {
		r.tally.read()
		order := converted.GetOrder().GetOrder()
		for _, line := range order.GetLines() {
			if line.GetKind() != ordersv1.LineKind_LINE_KIND_GOODS {
				continue
			}
			wanted := demands[line.GetSku()]
			if wanted == nil {
				wanted = &demand{product: &inventoryv1.Product{Sku: line.GetSku(), CurrencyCode: order.GetCurrencyCode()}}
				demands[line.GetSku()] = wanted
			}
			wanted.quantity += line.GetQuantity()
			wanted.product.Name = cmp.Or(wanted.product.GetName(), line.GetDescription())
			wanted.product.UnitPriceMinor = cmp.Or(wanted.product.GetUnitPriceMinor(), line.GetUnitPriceMinor())
		}
		return ctx.Err()
	}, func(string) { r.tally.read() })
	return demands, err
}

// supply adds stock once for each run and quantity. A product that cannot be made is left out: its
// orders say why they cannot be taken.
func (r *run) supply(ctx context.Context, d *demand) error {
	sku := d.product.GetSku()
	_, err := persist(ctx, r, r.client.Inventory.UpsertProduct, &inventoryv1.UpsertProductRequest{
		RequestId: r.request("product", sku), Product: d.product,
	})
	for left := d.quantity; left > 0 && err == nil; left -= maxDelta {
		_, err = persist(ctx, r, r.client.Inventory.AdjustStock, &inventoryv1.AdjustStockRequest{
			RequestId: r.request("stock", sku, left), Sku: sku, Delta: min(left, maxDelta),
			Reason: inventoryv1.AdjustmentReason_ADJUSTMENT_REASON_RECEIVED,
		})
	}
	if err != nil && refused(err) {
		r.tally.failed(err)
		return nil
	}
	return err
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
