// Package inventory is the use cases of products and stock, and the handler that offers them by
// contract.
package inventory

import (
	"context"
	"fmt"
	"time"

	"github.com/orderprocessing/orderprocessing/server/contract"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/pagetoken"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// Store is what the use cases need of storage.
type Store interface {
	store.Products
	store.Holds
}

// Service is the use cases. Make it with New; it is safe for concurrent use.
type Service struct {
	store  Store
	tokens *pagetoken.Tokens
	now    func() time.Time
}

// New makes the use cases over a store.
func New(s Store, tokens *pagetoken.Tokens, now func() time.Time) *Service {
	return &Service{store: s, tokens: tokens, now: now}
}

// Upsert creates a product or changes it. With an etag, the stored product must still have it.
func (s *Service) Upsert(ctx context.Context, wanted stock.Product, etag string, r store.Request) (stock.Product, error) {
	return s.store.PutProduct(ctx, wanted.SKU, r, func(current *stock.Product) (stock.Product, error) {
		return stock.Upsert(current, wanted, etag, s.timestamp())
	})
}

// Product reads one product.
func (s *Service) Product(ctx context.Context, sku string) (stock.Product, error) {
	return s.store.Product(ctx, sku)
}

// Products reads a page of products by SKU and gives the token of the next one, empty on the last.
func (s *Service) Products(ctx context.Context, p contract.Page) ([]stock.Product, string, error) {
	after, err := s.tokens.Read(p.List, p.Token)
	if err != nil {
		return nil, "", err
	}
	products, err := s.store.Products(ctx, string(after), p.Size+1)
	if err != nil || len(products) <= p.Size {
		return products, "", err
	}
	products = products[:p.Size]
	return products, s.tokens.Make(p.List, []byte(products[p.Size-1].SKU)), nil
}

// Adjust changes a stock level by hand, once for each request id.
func (s *Service) Adjust(ctx context.Context, a stock.Adjustment, requestID string) (stock.Level, error) {
	a.Time = s.timestamp()
	asked := fmt.Appendf(nil, "adjust %q %d %d", a.SKU, a.Delta, a.Reason)
	return s.store.AdjustStock(ctx, a, store.NewRequest("sku "+a.SKU, requestID, asked))
}

// Stock reads a stock level.
func (s *Service) Stock(ctx context.Context, sku string) (stock.Level, error) {
	return s.store.StockLevel(ctx, sku)
}

func (s *Service) timestamp() time.Time { return s.now().UTC().Truncate(time.Microsecond) }
