// Package store says what storage owes the services, in their own words. Every implementation
// passes the suite in storetest. Errors are faults; an error that is none means a broken store.
package store

import (
	"context"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/risk"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
)

// Store keeps orders, returns, products and stock. All methods are safe for concurrent use.
//
// Whatever belongs to one slot is changed in one transaction; what a method changes is durable
// when it returns, and nothing is changed when it fails, unless the failure is KindUnavailable or
// the end of the context: then the change may have happened, and repeating the same request tells.
type Store interface {
	Orders
	Returns
	Risks
	Retention
	Erasures
	Products
	Payments
	Holds
	Audits
	StockAudits

	// Ping tells whether the store answers.
	Ping(ctx context.Context) error
	// Close finishes what was begun and lets go of everything.
	Close(ctx context.Context) error
}

// Orders keeps orders and their events.
type Orders interface {
	// CreateOrder stores a new order with its first event and remembers the request. A request
	// that was answered before gives that answer again; another request with the same key fails
	// with REQUEST_ID_REUSED. The zero request is not remembered.
	CreateOrder(ctx context.Context, n NewOrder) (order.Order, error)

	// Order reads one order, or fails with ORDER_NOT_FOUND.
	Order(ctx context.Context, orderID order.ID) (order.Order, error)

	// FindOrders reads those of the orders that are there, in no order.
	FindOrders(ctx context.Context, orderIDs []order.ID) ([]order.Order, error)

	// ChangeOrder lets decide look at the order and stores what it decides: the events, the order
	// after them and the request, in one transaction. No change is a success that stores nothing.
	// decide may run more than once and must only decide. A request that was answered before gives
	// that answer again without asking decide.
	ChangeOrder(ctx context.Context, orderID order.ID, r Request, decide Decide) (order.Order, error)

	// Orders reads a page: at most q.Limit orders that match, by id, starting behind q.After.
	Orders(ctx context.Context, q OrderQuery) ([]order.Order, error)

	// ScanOrders hands every order that matches to take, in batches, by id within a shard. It stops
	// at the first error of take. q.After and q.Limit are its own business.
	ScanOrders(ctx context.Context, q OrderQuery, take func([]order.Order) error) error

	// OrderEvents reads events of one order with a sequence above after, by sequence, at most
	// limit of them. It fails with ORDER_NOT_FOUND when there is no such order.
	OrderEvents(ctx context.Context, orderID order.ID, after int64, limit int) ([]order.Event, error)

	// Import takes documents of another system, each for itself and in the order given, and tells
	// what became of each; one that cannot be taken fails alone. Goods of a return are tied to
	// earlier orders of its customer, and booked there at the time of the return.
	Import(ctx context.Context, documents []Document) ([]Outcome, error)
}

// Returns keeps what came back.
type Returns interface {
	// Return reads one return, or fails with RETURN_NOT_FOUND.
	Return(ctx context.Context, returnID order.ReturnID) (order.Return, error)
	// Returns reads a page: at most q.Limit returns that match, by id, starting behind q.After.
	Returns(ctx context.Context, q ReturnQuery) ([]order.Return, error)
	// ScanReturns is ScanOrders for returns.
	ScanReturns(ctx context.Context, q ReturnQuery, take func([]order.Return) error) error
	// ChangeReturn lets decide look at a return and its order and stores what it decides: the return,
	// the events of the order and the request, in one transaction. A return that was not there before
	// is new. decide may run more than once and must only decide. A request that was answered before
	// gives that answer again without asking decide. It fails with ORDER_NOT_FOUND, and with
	// RETURN_NOT_FOUND when the change names no order and there is no such return.
	ChangeReturn(ctx context.Context, c ReturnChange) (order.Return, error)
}

// Risks keeps what was odd about orders.
type Risks interface {
	// SaveAssessment keeps an assessment, unless one of the order is kept already, and gives the one
	// that is kept.
	SaveAssessment(ctx context.Context, a risk.Assessment) (risk.Assessment, error)
	// Assessment reads the assessment of an order; the zero Assessment when there is none.
	Assessment(ctx context.Context, orderID order.ID) (risk.Assessment, error)
}

// Retention forgets what nobody will ask for again.
type Retention interface {
	// Forget deletes what was kept before a time of each kind, at most limit rows of a kind in each
	// database, and tells how many were deleted. Call it again until there are none.
	Forget(ctx context.Context, before Forgettable, limit int) (int, error)
}

// Forgettable says from when on each kind is kept.
type Forgettable struct {
	Requests      time.Time // answers to requests that are remembered
	PaymentEvents time.Time // events of a gateway that were taken
	Sagas         time.Time // sagas that are finished
}

// Products keeps products and their stock.
type Products interface {
	// PutProduct lets decide look at the product, nil when there is none, and stores what it makes
	// of it, with the request. decide may run more than once.
	PutProduct(ctx context.Context, sku string, r Request, decide DecideProduct) (stock.Product, error)
	// Product reads one product, or fails with PRODUCT_NOT_FOUND.
	Product(ctx context.Context, sku string) (stock.Product, error)
	// Products reads a page: at most limit products, by SKU byte by byte, behind after.
	Products(ctx context.Context, after string, limit int) ([]stock.Product, error)
	// AdjustStock changes a level by hand, with its record and the request. It fails with
	// PRODUCT_NOT_FOUND, and with STOCK_TOO_LOW when less would be left than is held.
	AdjustStock(ctx context.Context, a stock.Adjustment, r Request) (stock.Level, error)
	// StockLevel reads a level; a product that never had stock has a level of 0. It fails with
	// PRODUCT_NOT_FOUND.
	StockLevel(ctx context.Context, sku string) (stock.Level, error)
}

// Audits lets an auditor read what is stored as it is.
type Audits interface {
	// Audit reads the next orders with all their events behind the order after, by id, at most
	// limit of them and none only at the end, from one snapshot. An order without events or events
	// without an order show as such.
	Audit(ctx context.Context, after id.UUID, limit int) ([]Audited, error)
}

// Decide decides on a change. It gets the order as it stands.
type Decide func(order.Order) ([]order.Change, error)

// ReturnChange asks to change a return.
type ReturnChange struct {
	ReturnID order.ReturnID
	OrderID  order.ID // of a new return; zero for one that is there
	Request  Request
	Decide   DecideReturn
}

// DecideReturn decides what a return becomes, and what of that happens to its order. It gets both as
// they stand, and the zero Return when there is none yet. A return that does not change and no change
// of the order is a success that stores nothing.
type DecideReturn func(order.Return, order.Order) (order.Return, []order.Change, error)

// DecideProduct decides what a product becomes. It gets nil when there is none yet.
type DecideProduct func(current *stock.Product) (stock.Product, error)

// NewOrder is an order about to be stored: its first event.
type NewOrder struct {
	ID      order.ID
	Created time.Time // UTC, milliseconds, the time in the ID
	Change  order.Change
	Request Request
}

// OrderQuery asks for a page of orders. Every field that is set must match.
type OrderQuery struct {
	CustomerID  string
	Lifecycle   order.Lifecycle
	Payment     order.PaymentStatus
	Fulfillment order.FulfillmentStatus
	From        time.Time // created at or after
	Before      time.Time // created before
	Number      string
	Ascending   bool    // oldest first; newest first otherwise
	After       id.UUID // where the page before ended; zero for the first page
	Limit       int     // at least 1
}

// ReturnQuery asks for a page of returns. Every field that is set must match.
type ReturnQuery struct {
	CustomerID string
	From       time.Time
	Before     time.Time
	Number     string
	Ascending  bool
	After      id.UUID
	Limit      int
}

// Document is one document of another system: an order or a return.
type Document struct {
	Order  *NewOrder     // with an Imported change and no request
	Return *order.Return // without matches
}

// Slot tells where the document belongs.
func (d Document) Slot() id.Slot {
	if d.Order != nil {
		return d.Order.ID.Slot()
	}
	return d.Return.ID.Slot()
}

// Outcome tells what became of a document.
type Outcome struct {
	Created bool  // false: it was there before, the same
	Err     error // a fault; the document was not taken
}

// Audited is an order and its events as they are stored.
type Audited struct {
	Order  order.Order // zero when there are only events
	Total  int64       // the total that is stored beside the order
	Events []order.Event
	// Where the rows say they belong; each should be the slot of the id.
	OrderSlot  id.Slot
	EventSlots []id.Slot
	Err        error // when a row could not be read at all
}

// Key gives the id of the order, whichever of its rows are there.
func (a Audited) Key() id.UUID {
	if len(a.Events) > 0 {
		return a.Events[0].OrderID.UUID
	}
	return a.Order.ID.UUID
}
