package shard

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/risk"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// Store is many stores that look like one.
type Store struct {
	shards []store.Store
	owners *[id.Slots]int
}

var _ store.Store = (*Store)(nil)

// New makes one store of the shards, in the order of the configuration.
func New(m Map, shards []store.Store) (*Store, error) {
	if err := m.Check(len(shards)); err != nil {
		return nil, err
	}
	owners := m.owners()
	return &Store{shards: shards, owners: &owners}, nil
}

// Over gives the same store over others of its shards, such as views of them, in the same order.
func (s *Store) Over(shards []store.Store) *Store { return &Store{shards: shards, owners: s.owners} }

// Of gives the shard that owns a slot.
func (s *Store) Of(slot id.Slot) store.Store { return s.shards[s.owners[slot]] }

// Owner tells which shard owns a slot.
func (s *Store) Owner(slot id.Slot) int { return s.owners[slot] }

// Shards gives the shards, in the order of the configuration.
func (s *Store) Shards() []store.Store { return slices.Clone(s.shards) }

// CreateOrder goes to the shard of the order.
func (s *Store) CreateOrder(ctx context.Context, n store.NewOrder) (order.Order, error) {
	return s.Of(n.ID.Slot()).CreateOrder(ctx, n)
}

// Order goes to the shard of the order.
func (s *Store) Order(ctx context.Context, orderID order.ID) (order.Order, error) {
	return s.Of(orderID.Slot()).Order(ctx, orderID)
}

// ChangeOrder goes to the shard of the order.
func (s *Store) ChangeOrder(ctx context.Context, orderID order.ID, r store.Request, decide store.Decide) (order.Order, error) {
	return s.Of(orderID.Slot()).ChangeOrder(ctx, orderID, r, decide)
}

// OrderEvents goes to the shard of the order.
func (s *Store) OrderEvents(ctx context.Context, orderID order.ID, after int64, limit int) ([]order.Event, error) {
	return s.Of(orderID.Slot()).OrderEvents(ctx, orderID, after, limit)
}

// Orders asks the customer's shard, or all of them, and merges by id: a page costs each shard one
// page, whatever it holds.
func (s *Store) Orders(ctx context.Context, q store.OrderQuery) ([]order.Order, error) {
	byID := func(a, b order.Order) int { return direction(q.Ascending) * a.ID.Compare(b.ID.UUID) }
	return merge(ctx, s.holders(q.CustomerID), q.Limit, byID, func(ctx context.Context, one store.Store) ([]order.Order, error) {
		return one.Orders(ctx, q)
	})
}

// ScanOrders scans the customer's shard, or one shard after the other.
func (s *Store) ScanOrders(ctx context.Context, q store.OrderQuery, take func([]order.Order) error) error {
	for _, one := range s.holders(q.CustomerID) {
		if err := one.ScanOrders(ctx, q, take); err != nil {
			return err
		}
	}
	return nil
}

// ScanReturns is as ScanOrders.
func (s *Store) ScanReturns(ctx context.Context, q store.ReturnQuery, take func([]order.Return) error) error {
	for _, one := range s.holders(q.CustomerID) {
		if err := one.ScanReturns(ctx, q, take); err != nil {
			return err
		}
	}
	return nil
}

// holders gives the shards that may hold something of a customer; all of them for no customer.
func (s *Store) holders(customerID string) []store.Store {
	if customerID == "" {
		return s.shards
	}
	return []store.Store{s.Of(id.SlotOf(customerID))}
}

// Return goes to the shard of the return.
func (s *Store) Return(ctx context.Context, returnID order.ReturnID) (order.Return, error) {
	return s.Of(returnID.Slot()).Return(ctx, returnID)
}

// Returns is as Orders.
func (s *Store) Returns(ctx context.Context, q store.ReturnQuery) ([]order.Return, error) {
	byID := func(a, b order.Return) int { return direction(q.Ascending) * a.ID.Compare(b.ID.UUID) }
	return merge(ctx, s.holders(q.CustomerID), q.Limit, byID, func(ctx context.Context, one store.Store) ([]order.Return, error) {
		return one.Returns(ctx, q)
	})
}

// ChangeReturn goes to the shard of the return, which is that of its order.
func (s *Store) ChangeReturn(ctx context.Context, c store.ReturnChange) (order.Return, error) {
	return s.Of(c.ReturnID.Slot()).ChangeReturn(ctx, c)
}

// SaveAssessment goes to the shard of the order.
func (s *Store) SaveAssessment(ctx context.Context, a risk.Assessment) (risk.Assessment, error) {
	return s.Of(a.OrderID.Slot()).SaveAssessment(ctx, a)
}

// Assessment goes to the shard of the order.
func (s *Store) Assessment(ctx context.Context, orderID order.ID) (risk.Assessment, error) {
	return s.Of(orderID.Slot()).Assessment(ctx, orderID)
}

// EraseCustomer goes to the shard of the customer.
func (s *Store) EraseCustomer(ctx context.Context, customerID string) (store.Erased, error) {
	return s.Of(id.SlotOf(customerID)).EraseCustomer(ctx, customerID)
}

// PutProduct goes to the shard of the SKU.
func (s *Store) PutProduct(ctx context.Context, sku string, r store.Request, decide store.DecideProduct) (stock.Product, error) {
	return s.Of(stock.SlotOf(sku)).PutProduct(ctx, sku, r, decide)
}

// Product goes to the shard of the SKU.
func (s *Store) Product(ctx context.Context, sku string) (stock.Product, error) {
	return s.Of(stock.SlotOf(sku)).Product(ctx, sku)
}

// Products asks every shard and merges by SKU.
func (s *Store) Products(ctx context.Context, after string, limit int) ([]stock.Product, error) {
	bySKU := func(a, b stock.Product) int { return cmp.Compare(a.SKU, b.SKU) }
	return merge(ctx, s.shards, limit, bySKU, func(ctx context.Context, one store.Store) ([]stock.Product, error) {
		return one.Products(ctx, after, limit)
	})
}

// AdjustStock goes to the shard of the SKU.
func (s *Store) AdjustStock(ctx context.Context, a stock.Adjustment, r store.Request) (stock.Level, error) {
	return s.Of(stock.SlotOf(a.SKU)).AdjustStock(ctx, a, r)
}

// StockLevel goes to the shard of the SKU.
func (s *Store) StockLevel(ctx context.Context, sku string) (stock.Level, error) {
	return s.Of(stock.SlotOf(sku)).StockLevel(ctx, sku)
}

// Import gives each shard its documents, in their order, all shards at once.
func (s *Store) Import(ctx context.Context, documents []store.Document) ([]store.Outcome, error) {
	places := make([][]int, len(s.shards))
	for i, d := range documents {
		owner := s.owners[d.Slot()]
		places[owner] = append(places[owner], i)
	}
	outcomes := make([]store.Outcome, len(documents))
	group, ctx := errgroup.WithContext(ctx)
	for owner, mine := range places {
		if len(mine) == 0 {
			continue
		}
		group.Go(func() error {
			part := make([]store.Document, len(mine))
			for i, place := range mine {
				part[i] = documents[place]
			}
			took, err := s.shards[owner].Import(ctx, part)
			if err != nil {
				return err
			}
			for i, place := range mine {
				outcomes[place] = took[i]
			}
			return nil
		})
	}
	return outcomes, group.Wait()
}

// Audit asks every shard and merges by id. To learn which shard holds what, audit the Shards.
func (s *Store) Audit(ctx context.Context, after id.UUID, limit int) ([]store.Audited, error) {
	byID := func(a, b store.Audited) int { return a.Key().Compare(b.Key()) }
	return merge(ctx, s.shards, limit, byID, func(ctx context.Context, one store.Store) ([]store.Audited, error) {
		return one.Audit(ctx, after, limit)
	})
}

// FindOrders asks the shards of the orders at once.
func (s *Store) FindOrders(ctx context.Context, orderIDs []order.ID) ([]order.Order, error) {
	return find(s, orderIDs, order.ID.Slot, func(one store.Store, mine []order.ID) ([]order.Order, error) {
		return one.FindOrders(ctx, mine)
	})
}

// find asks each shard for what it owns, all at once, and puts the answers together.
func find[Key, T any](
	s *Store, keys []Key, slotOf func(Key) id.Slot, ask func(store.Store, []Key) ([]T, error),
) ([]T, error) {
	mine := make([][]Key, len(s.shards))
	for _, key := range keys {
		owner := s.owners[slotOf(key)]
		mine[owner] = append(mine[owner], key)
	}
	found := make([][]T, len(s.shards))
	var group errgroup.Group
	for i, one := range s.shards {
		if len(mine[i]) > 0 {
			group.Go(func() (err error) {
				found[i], err = ask(one, mine[i])
				return err
			})
		}
	}
	err := group.Wait()
	return slices.Concat(found...), err
}

// Forget asks all shards at once. What some have deleted counts even when others fail.
func (s *Store) Forget(ctx context.Context, before store.Forgettable, limit int) (int, error) {
	var deleted atomic.Int64
	err := s.each(func(one store.Store) error {
		n, err := one.Forget(ctx, before, limit)
		deleted.Add(int64(n))
		return err
	})
	return int(deleted.Load()), err
}

// Ping asks every shard.
func (s *Store) Ping(ctx context.Context) error {
	return s.each(func(one store.Store) error { return one.Ping(ctx) })
}

// Close closes every shard.
func (s *Store) Close(ctx context.Context) error {
	return s.each(func(one store.Store) error { return one.Close(ctx) })
}

func (s *Store) each(do func(store.Store) error) error {
	errs := make([]error, len(s.shards))
	var group errgroup.Group
	for i, one := range s.shards {
		group.Go(func() error {
			errs[i] = do(one)
			return nil
		})
	}
	_ = group.Wait() // each error is in errs
	return errors.Join(errs...)
}

func direction(ascending bool) int {
	if ascending {
		return 1
	}
	return -1
}

// merge reads a page from every shard at once and gives the first limit of all of them.
func merge[T any](
	ctx context.Context, shards []store.Store, limit int, compare func(a, b T) int,
	read func(context.Context, store.Store) ([]T, error),
) ([]T, error) {
	pages := make([][]T, len(shards))
	group, ctx := errgroup.WithContext(ctx)
	for i, one := range shards {
		group.Go(func() (err error) {
			pages[i], err = read(ctx, one)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	all := slices.Concat(pages...)
	slices.SortFunc(all, compare)
	return all[:min(limit, len(all))], nil
}
