// Package stock holds the rules of products and of how much there is of them.
package stock

import (
	"strconv"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

// Product is something that can be sold.
type Product struct {
	SKU            string
	Name           string
	UnitPrice      money.Minor
	Currency       money.Currency
	Discontinued   bool
	BackorderLimit int64     // may be promised beyond what is on hand
	Version        int64     // counts changes, from 1
	Created        time.Time // UTC, microseconds
	Updated        time.Time // UTC, microseconds
}

// SlotOf gives the slot of a SKU and of its stock.
func SlotOf(sku string) id.Slot { return id.SlotOf(sku) }

// Etag names this version of the product.
func (p Product) Etag() string { return strconv.FormatInt(p.Version, 10) }

// Upsert decides what the product becomes: created when current is nil, changed otherwise. The
// same product again is no change. An etag must be that of the current product.
func Upsert(current *Product, wanted Product, etag string, now time.Time) (Product, error) {
	if !wanted.Currency.Known() {
		return wanted, fault.Invalid(fault.ReasonCurrencyUnknown, "product.currency_code",
			"%q is not an active ISO 4217 code", string(wanted.Currency))
	}
	if wanted.UnitPrice < 0 {
		return wanted, fault.Invalid(fault.ReasonAmountInvalid, "product.unit_price_minor", "a price is not negative")
	}
	if wanted.BackorderLimit < 0 || wanted.BackorderLimit > MaxQuantity {
		return wanted, fault.Invalid(fault.ReasonQuantityInvalid, "product.backorder_limit", "a limit is 0 to %d", MaxQuantity)
	}
	if etag != "" && (current == nil || current.Etag() != etag) {
		return wanted, fault.New(fault.KindConflict, fault.ReasonStaleEtag, "the product has changed since; read it again")
	}
	wanted.Version, wanted.Created, wanted.Updated = 1, now, now
	if current == nil {
		return wanted, nil
	}
	wanted.Version, wanted.Created, wanted.Updated = current.Version, current.Created, current.Updated
	if wanted != *current {
		wanted.Version, wanted.Updated = current.Version+1, now
	}
	return wanted, nil
}

// Level is how much there is of one SKU. Always Held ≤ OnHand + BackorderLimit, and what is held
// and not backordered is on hand.
type Level struct {
	SKU            string
	OnHand         int64
	Held           int64 // promised to orders: the sum of their open holds
	Backordered    int64 // of what is held, what is still to come
	BackorderLimit int64
	Updated        time.Time // UTC, microseconds; zero when nothing ever came
}

// Available is how many can be promised.
func (l Level) Available() int64 { return l.OnHand + l.BackorderLimit - l.Held }

// Free is how many are on hand and not set aside for a hold that may leave.
func (l Level) Free() int64 { return l.OnHand - (l.Held - l.Backordered) }

// LimitBackorders changes the limit: what was promised stays promised.
func (l Level) LimitBackorders(limit int64, now time.Time) (Level, error) {
	if l.Held > l.OnHand+limit {
		return l, fault.New(fault.KindPrecondition, fault.ReasonBackordersPromised,
			"of %s there are %d on hand and %d held: a limit of %d would not cover them", l.SKU, l.OnHand, l.Held, limit)
	}
	l.BackorderLimit, l.Updated = limit, now
	return l, nil
}

// Adjustment changes a level by hand.
type Adjustment struct {
	SKU    string
	Delta  int64 // not 0
	Reason AdjustmentReason
	Time   time.Time
}

// AdjustmentReason is why a level was changed by hand. The numbers are stored.
type AdjustmentReason uint8

// ReasonReturned is that a customer brought it back.
const ReasonReturned AdjustmentReason = 5

// MaxOnHand bounds what a shelf can hold, so that sums never overflow.
const MaxOnHand = 1_000_000_000_000

// Adjust decides on an adjustment: what is set aside for orders stays covered.
func (l Level) Adjust(a Adjustment) (Level, error) {
	onHand := l.OnHand + a.Delta
	if onHand < l.Held-l.Backordered || onHand+l.BackorderLimit < l.Held {
		return l, fault.New(fault.KindPrecondition, fault.ReasonStockTooLow,
			"of %s there are %d on hand, %d of them held: %d cannot be taken away", a.SKU, l.OnHand, l.Held, -a.Delta)
	}
	if onHand > MaxOnHand {
		return l, fault.Invalid(fault.ReasonQuantityInvalid, "delta", "a level is at most %d", int64(MaxOnHand))
	}
	l.OnHand, l.Updated = onHand, a.Time
	return l, nil
}
