package store

import (
	"context"
	"strings"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
)

// Holds keeps the stock that is set aside for orders. An order has at most one hold of each SKU,
// and every method answers with one hold for each demand or SKU, in the callers' order; one that
// is only Requested stands for none.
//
// What happens to the holds of one SKU is linearizable, and the sum of the open ones never passes
// what is on hand and the backorder limit. Demands of one SKU in one call count as their sum.
// SKUs of several shards are settled shard by shard: when one fails, others have taken effect, and
// the same call again, or a release, settles the rest. Behind a shard that has not enough, HoldStock
// asks no other: what was not asked for is Requested. ReleaseStock, ExpireHolds and demands of nothing
// but 0 let go in the opposite order, so that nobody gets some of an order's SKUs and misses those it is
// yet to let go of.
type Holds interface {
	// HoldStock holds each SKU for itself, all that is wanted of it or nothing, until expires; the
	// zero time is never. A SKU that nobody stocks is unavailable. Repeating changes nothing and
	// tells what became of the hold. Another quantity changes an open hold if there is enough, and
	// leaves it as it is otherwise; it fails with HOLD_DIFFERS when some of it has left the shelf. A
	// demand of 0 lets go of an open hold, which may be asked for again.
	HoldStock(ctx context.Context, orderID order.ID, demands []stock.Demand, expires time.Time) ([]stock.Hold, error)

	// ReleaseStock lets go of what is held and has not left the shelf. A hold that was never asked
	// for is remembered as released, and holds nothing when it is asked for later.
	ReleaseStock(ctx context.Context, orderID order.ID, skus []string) ([]stock.Hold, error)

	// CommitStock takes held stock off the shelf, all that is demanded or nothing. It fails with
	// STOCK_NOT_HELD, STOCK_TO_COME or COMMIT_ABOVE_HELD. A request that was answered before gets
	// its first answer for each SKU; another one with its key fails with REQUEST_ID_REUSED.
	CommitStock(ctx context.Context, orderID order.ID, demands []stock.Demand, r Request) ([]stock.Hold, error)

	// MayCommitStock fails as CommitStock would just now, and changes nothing.
	MayCommitStock(ctx context.Context, orderID order.ID, demands []stock.Demand, r Request) error

	// ExpireHolds lets go of holds whose time was over at now, the oldest first, at most limit of
	// them in each database, and gives those that it let go. Sweep again until there are none.
	ExpireHolds(ctx context.Context, now time.Time, limit int) ([]stock.Hold, error)

	// HoldsOf reads holds.
	HoldsOf(ctx context.Context, orderID order.ID, skus []string) ([]stock.Hold, error)
}

// StockAudits lets an auditor read stock as it is stored.
type StockAudits interface {
	// AuditStock reads the next SKUs behind after, byte by byte, at most limit of them and none only
	// at the end, each with the sums of its rows, from one snapshot.
	AuditStock(ctx context.Context, after string, limit int) ([]AuditedStock, error)

	// StockTotals adds up all levels.
	StockTotals(ctx context.Context) (StockTotals, error)

	// AuditHolds reads the next holds behind a key, by key, at most limit of them and none only at
	// the end.
	AuditHolds(ctx context.Context, after id.UUID, limit int) ([]AuditedHold, error)

	// FindHolds reads those of the holds that are there, of any orders, in no order.
	FindHolds(ctx context.Context, keys []HoldKey) ([]stock.Hold, error)
}

// StockTotals is what levels add up to, in units.
type StockTotals struct {
	Held     int64
	Oversold int64 // promised beyond what is on hand and may be backordered; 0 unless something is broken
}

// HoldKey names a hold: an order has at most one of each SKU.
type HoldKey struct {
	OrderID order.ID
	SKU     string
}

// AuditedHold is a hold under the key that it is stored by, which should be its stock.HoldID.
type AuditedHold struct {
	Key id.UUID
	stock.Hold
}

// AuditedStock is a level and what the rows beside it add up to.
type AuditedStock struct {
	Level       stock.Level // Updated is zero when there is no row
	Open        int64       // the sum of the open holds
	Waiting     int64       // of these, the sum of the backordered ones
	Adjusted    int64       // the sum of the adjustments by hand
	Left        int64       // the sum of what has left the shelf, by its own rows
	Committed   int64       // the same by the holds
	StrayedRows int64       // rows that say another slot than the SKU's
}

// Slot is where the SKU belongs.
func (a AuditedStock) Slot() id.Slot { return stock.SlotOf(a.Level.SKU) }

// CompareSKU orders audited stock by SKU.
func (a AuditedStock) CompareSKU(b AuditedStock) int {
	return strings.Compare(a.Level.SKU, b.Level.SKU)
}
