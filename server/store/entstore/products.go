package entstore

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/orderprocessing/orderprocessing/ent/db"
	entproduct "github.com/orderprocessing/orderprocessing/ent/db/product"
	"github.com/orderprocessing/orderprocessing/ent/db/stocklevel"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// PutProduct reads, lets decide decide and writes under the version it read.
func (s *Store) PutProduct(
	ctx context.Context, sku string, r store.Request, decide store.DecideProduct,
) (p stock.Product, err error) {
	err = s.inTx(ctx, func(tx *db.Tx) error {
		current, err := findProduct(ctx, locked(s, tx.Product.Query()), sku)
		if err != nil {
			return err
		}
		// After the product: the same request that is answered meanwhile must not be decided anew.
		if ok, err := firstAnswer(ctx, tx, r, &p); ok || err != nil {
			return err
		}
		if p, err = decide(current); err != nil {
			return err
		}
		if err := writeProduct(ctx, tx, current, p); err != nil {
			return err
		}
		if err := s.limitBackorders(ctx, tx, current, p); err != nil {
			return err
		}
		return s.remember(ctx, tx, r, stock.SlotOf(sku), p)
	})
	return p, err
}

func writeProduct(ctx context.Context, tx *db.Tx, current *stock.Product, p stock.Product) error {
	if current == nil {
		return tx.Product.Create().SetID(p.SKU).
			SetSlot(int16(stock.SlotOf(p.SKU))). //nolint:gosec // below 4096
			SetName(p.Name).SetUnitPriceMinor(int64(p.UnitPrice)).SetCurrency(string(p.Currency)).
			SetDiscontinued(p.Discontinued).SetBackorderLimit(p.BackorderLimit).SetVersion(p.Version).
			SetCreateTime(p.Created).SetUpdateTime(p.Updated).Exec(ctx)
	}
	if p == *current {
		return nil
	}
	n, err := tx.Product.Update().Where(entproduct.ID(p.SKU), entproduct.Version(current.Version)).
		SetName(p.Name).SetUnitPriceMinor(int64(p.UnitPrice)).SetCurrency(string(p.Currency)).
		SetDiscontinued(p.Discontinued).SetBackorderLimit(p.BackorderLimit).
		SetVersion(p.Version).SetUpdateTime(p.Updated).Save(ctx)
	if err == nil && n == 0 {
		return errLostRace
	}
	return err
}

// Product reads one product by its key.
func (s *Store) Product(ctx context.Context, sku string) (stock.Product, error) {
	p, err := findProduct(ctx, s.read.Product.Query(), sku)
	if err != nil {
		return stock.Product{}, fromDriver(err)
	}
	if p == nil {
		return stock.Product{}, productNotFound()
	}
	return *p, nil
}

// Products walks the key.
func (s *Store) Products(ctx context.Context, after string, limit int) ([]stock.Product, error) {
	rows, err := s.read.Product.Query().Where(entproduct.IDGT(after)).Order(entproduct.ByID()).Limit(limit).All(ctx)
	if err != nil {
		return nil, fromDriver(err)
	}
	products := make([]stock.Product, len(rows))
	for i, row := range rows {
		products[i] = productFromRow(row)
	}
	return products, nil
}

// AdjustStock writes the level under a condition that keeps what is held covered.
func (s *Store) AdjustStock(ctx context.Context, a stock.Adjustment, r store.Request) (level stock.Level, err error) {
	err = s.inTx(ctx, func(tx *db.Tx) error {
		current, err := findLevel(ctx, locked(s, tx.StockLevel.Query()), tx.Product.Query(), a.SKU)
		if err != nil {
			return err
		}
		if ok, err := firstAnswer(ctx, tx, r, &level); ok || err != nil {
			return err
		}
		if level, err = current.Adjust(a); err != nil {
			return err
		}
		if level, err = fill(ctx, entShelf{tx}, level, a.Time); err != nil {
			return err
		}
		if err := writeLevel(ctx, tx, current, level); err != nil {
			return err
		}
		slot := stock.SlotOf(a.SKU)
		err = tx.StockAdjustment.Create().SetID(uuid.UUID(id.New(a.Time, slot))).
			SetSlot(int16(slot)). //nolint:gosec // below 4096
			SetSku(a.SKU).SetDelta(a.Delta).SetReason(uint8(a.Reason)).SetTime(a.Time).Exec(ctx)
		if err != nil {
			return err
		}
		return s.remember(ctx, tx, r, slot, level)
	})
	return level, err
}

func writeLevel(ctx context.Context, tx *db.Tx, current, next stock.Level) error {
	if current.Updated.IsZero() {
		return tx.StockLevel.Create().SetID(next.SKU).
			SetSlot(int16(stock.SlotOf(next.SKU))). //nolint:gosec // below 4096
			SetOnHand(next.OnHand).SetBackorderLimit(next.BackorderLimit).SetUpdateTime(next.Updated).Exec(ctx)
	}
	n, err := tx.StockLevel.Update().
		Where(stocklevel.ID(next.SKU), stocklevel.OnHand(current.OnHand), stocklevel.Held(current.Held)).
		SetOnHand(next.OnHand).SetBackordered(next.Backordered).SetBackorderLimit(next.BackorderLimit).
		SetUpdateTime(next.Updated).Save(ctx)
	if err == nil && n == 0 {
		return errLostRace
	}
	return err
}

// StockLevel reads a level by its key.
func (s *Store) StockLevel(ctx context.Context, sku string) (stock.Level, error) {
	level, err := findLevel(ctx, s.read.StockLevel.Query(), s.read.Product.Query(), sku)
	return level, fromDriver(err)
}

// findLevel gives the level of a product, 0 when nothing ever came.
func findLevel(
	ctx context.Context, levels *db.StockLevelQuery, products *db.ProductQuery, sku string,
) (stock.Level, error) {
	row, err := levels.Where(stocklevel.ID(sku)).Only(ctx)
	if err == nil {
		return levelFromRow(row), nil
	}
	if !db.IsNotFound(err) {
		return stock.Level{}, err
	}
	p, err := findProduct(ctx, products, sku)
	if err == nil && p == nil {
		err = productNotFound()
	}
	return stock.Level{SKU: sku}, err
}

// findProduct gives the product, or nil when there is none.
func findProduct(ctx context.Context, products *db.ProductQuery, sku string) (*stock.Product, error) {
	row, err := products.Where(entproduct.ID(sku)).Only(ctx)
	if db.IsNotFound(err) {
		return nil, nil //nolint:nilnil // no product is an answer
	}
	if err != nil {
		return nil, err
	}
	p := productFromRow(row)
	return &p, nil
}

func productFromRow(row *db.Product) stock.Product {
	return stock.Product{
		SKU:            row.ID,
		Name:           row.Name,
		UnitPrice:      money.Minor(row.UnitPriceMinor),
		Currency:       money.Currency(row.Currency),
		Discontinued:   row.Discontinued,
		BackorderLimit: row.BackorderLimit,
		Version:        row.Version,
		Created:        row.CreateTime.UTC(),
		Updated:        row.UpdateTime.UTC(),
	}
}

// firstAnswer reads the first answer to a request into answer, if there was one. Who does not name
// their request is never answered before.
func firstAnswer(ctx context.Context, tx *db.Tx, r store.Request, answer any) (bool, error) {
	if r == (store.Request{}) {
		return false, nil
	}
	row, err := tx.Request.Get(ctx, r.Key)
	if db.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if [32]byte(row.Fingerprint) != r.Fingerprint {
		return false, store.ErrRequestReused()
	}
	return true, json.Unmarshal(row.Answer, answer)
}

// remember stores the answer to a request, unless it has no name.
func (s *Store) remember(ctx context.Context, tx *db.Tx, r store.Request, slot id.Slot, answer any) error {
	if r == (store.Request{}) {
		return nil
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	return tx.Request.Create().SetID(r.Key).
		SetSlot(int16(slot)). //nolint:gosec // below 4096
		SetFingerprint(r.Fingerprint[:]).SetAnswer(text).SetCreateTime(s.now().UTC()).Exec(ctx)
}

func productNotFound() error {
	return fault.New(fault.KindNotFound, fault.ReasonProductNotFound, "there is no such product")
}

// limitBackorders copies a new limit to the level.
func (s *Store) limitBackorders(ctx context.Context, tx *db.Tx, current *stock.Product, p stock.Product) error {
	if current == nil {
		current = &stock.Product{}
	}
	if p.BackorderLimit == current.BackorderLimit {
		return nil
	}
	was, err := findLevel(ctx, locked(s, tx.StockLevel.Query()), tx.Product.Query(), p.SKU)
	if err != nil {
		return err
	}
	level, err := was.LimitBackorders(p.BackorderLimit, p.Updated)
	if err != nil {
		return err
	}
	return writeLevel(ctx, tx, was, level)
}

// fill gives what an adjustment made free to those who wait for it. The level is not written.
func fill(ctx context.Context, sh shelf, l stock.Level, now time.Time) (stock.Level, error) {
	b := newBook()
	b.addLevel(l)
	if err := b.fill(ctx, sh, l.SKU); err != nil {
		return l, err
	}
	c := b.changes(now)
	c.levels = nil
	return b.levels[l.SKU], sh.write(ctx, c)
}
