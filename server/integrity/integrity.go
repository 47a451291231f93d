// Package integrity reads everything that is stored and tells where it breaks a promise. It only
// reads, may run while orders are taken, and leaves repair to people.
//
// What stands in one database is read from one snapshot. What stands in several places, such as an
// order and its stock, cannot be: where it does not fit it is looked at again, a few times, before it
// counts; and while a saga is at work on an order nothing has to fit yet.
package integrity

import (
	"context"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// The invariants that are checked, by their stable names.
const (
	Total     = "total_is_the_sum_of_lines"
	Events    = "events_have_no_gaps"
	Fold      = "events_fold_to_the_order"
	Placement = "rows_stand_in_their_shard"
	Parcels   = "parcels_add_up_to_the_order"
	Held      = "held_is_the_sum_of_open_holds"
	OnHand    = "on_hand_is_what_came_less_what_left"
	Oversold  = "stock_is_not_oversold"
	Money     = "payments_agree_with_their_ledger"
	Ledgers   = "the_gateway_agrees_with_our_ledger"
	Status    = "payment_status_agrees_with_the_payments"
	Reserved  = "confirmed_orders_hold_what_has_not_left"
	Ended     = "ended_orders_hold_no_stock_and_no_money"
	Orphans   = "holds_and_payments_have_an_order"
	AtWork    = "waiting_orders_have_a_saga"
	Deadlines = "sagas_end_by_their_deadline"
)

// maxListed bounds the violations that a report lists; all are counted.
const maxListed = 1000

// Report is what was found. It is clean when Violations is 0.
type Report struct {
	OK         bool        `json:"ok"`
	Orders     int64       `json:"orders"`
	Events     int64       `json:"events"`
	SKUs       int64       `json:"skus"`
	Holds      int64       `json:"holds"`
	Payments   int64       `json:"payments"`
	Sagas      int64       `json:"sagas"`   // unfinished ones
	Shards     []Shard     `json:"shards"`  // in the order of the configuration
	Gateway    *Compared   `json:"gateway"` // null when there is none, or it could not be compared
	Violations int64       `json:"violations"`
	Listed     []Violation `json:"listed"` // the first 1,000; never null
	// What is not decided yet and so breaks no promise: stuck sagas, and money that something is under
	// way with whose end is not known.
	Unsettled       int64       `json:"unsettled"`
	UnsettledListed []Violation `json:"unsettled_listed"` // the first 1,000; never null
}

// Shard is what one shard holds.
type Shard struct {
	Shard    int   `json:"shard"`
	Orders   int64 `json:"orders"`
	Events   int64 `json:"events"`
	SKUs     int64 `json:"skus"`
	Holds    int64 `json:"holds"`
	Payments int64 `json:"payments"`
	Sagas    int64 `json:"sagas"` // unfinished ones
}

// Compared is how much of a gateway's ledger was held against ours.
type Compared struct {
	Name      string `json:"name"`
	Payments  int64  `json:"payments"`
	Elsewhere int64  `json:"elsewhere"` // payments that another gateway holds; they were not compared
	Movements int64  `json:"movements"`
	Foreign   int64  `json:"foreign"` // movements that are not of a payment of ours
}

// Violation is one promise that is broken.
type Violation struct {
	Invariant string `json:"invariant"`
	Shard     int    `json:"shard"`
	OrderID   string `json:"order_id"`      // empty when it is about none
	SKU       string `json:"sku,omitempty"` // empty when it is about an order
	Detail    string `json:"detail"`
}

// Layout is the shards and who owns which slot, and finds what belongs together wherever it stands.
type Layout interface {
	Shards() []store.Store
	Owner(slot id.Slot) int

	FindOrders(ctx context.Context, orderIDs []order.ID) ([]order.Order, error)
	FindHolds(ctx context.Context, keys []store.HoldKey) ([]stock.Hold, error)
	Payments(ctx context.Context, q store.PaymentQuery) ([]payment.Payment, error)
}

// Sagas tells what is at work.
type Sagas interface {
	// Unfinished reads the next unfinished sagas of a shard behind a key, by key, at most limit of
	// them and none only at the end.
	Unfinished(ctx context.Context, shard int, after string, limit int) ([]saga.Record, error)
	// AtWork tells on which of these orders, their parcels or returns a saga is at work.
	AtWork(ctx context.Context, orders []order.Order) (map[order.ID]bool, error)
}

// Difference is a payment of which the gateway says other than we do.
type Difference struct {
	PaymentID payment.ID
	OrderID   order.ID // zero when the payment is not here
	Unknown   bool     // something is under way whose end only the gateway knows
	Detail    string
}

// Sources is where everything is read from.
type Sources struct {
	Layout

	// Sagas tells what is at work; nil when nothing ever is.
	Sagas Sagas
	// Compare holds the gateway's ledger against ours; nil when there is no gateway.
	Compare func(ctx context.Context) (Compared, []Difference, error)
	// Wait lets time pass before something is looked at again, unless the context ends; nil really waits.
	Wait func(ctx context.Context, pause time.Duration) error
}
