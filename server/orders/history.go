package orders

import (
	"context"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// Document is a document of another system: an order or a return, or why it cannot be read.
type Document struct {
	Order     *order.Details
	Delivered bool // with Order: nothing is left to do
	Return    *order.Return
	Created   time.Time // when the original was
	Err       error
}

// Imported tells what became of a document.
type Imported struct {
	ID      string // empty when it was refused
	Created bool   // false: it was there before, the same
	Err     error  // why it was refused
}

// Import takes documents in their order and tells what became of each. It fails as a whole only
// when the store does.
func (s *Service) Import(ctx context.Context, source string, documents []Document) ([]Imported, error) {
	results := make([]Imported, len(documents))
	var accepted []store.Document
	var places []int
	for i, d := range documents {
		accept, text, err := d.decide(source)
		if err != nil {
			results[i].Err = err
			continue
		}
		results[i].ID = text
		accepted, places = append(accepted, accept), append(places, i)
	}
	outcomes, err := s.Store.Import(ctx, accepted)
	if err != nil {
		return nil, err
	}
	for i, outcome := range outcomes {
		result := &results[places[i]]
		result.Created, result.Err = outcome.Created, outcome.Err
		if outcome.Err != nil {
			result.ID = ""
		}
	}
	return results, nil
}

// decide turns a document into what is stored of it, and gives its id as text.
func (d Document) decide(source string) (store.Document, string, error) {
	if d.Err != nil {
		return store.Document{}, "", d.Err
	}
	created := d.Created.UTC().Truncate(time.Millisecond)
	if created.UnixMilli() < 0 {
		return store.Document{}, "", fault.Invalid(fault.ReasonDocumentIncomplete, "create_time",
			"a document is dated 1970 or later")
	}
	if d.Return != nil {
		r := *d.Return
		r.Source, r.Created, r.Status = source, created, order.ReturnClosed
		r.ID = order.ImportedReturnID(created, r.CustomerID, source, r.Number)
		return store.Document{Return: &r}, r.ID.String(), order.ImportReturn(r)
	}
	details := *d.Order
	details.Source = source
	change, err := order.Import(details, d.Delivered)
	n := store.NewOrder{
		ID:      order.ImportedID(created, details.CustomerID, source, details.Number),
		Created: created,
		Change:  change,
	}
	return store.Document{Order: &n}, n.ID.String(), err
}

// Export asks for everything, or a part of it.
type Export struct {
	CustomerID   string
	From, Before time.Time
}

// Export gives every order and then every return, in batches, oldest first within a shard. It stops
// at the first error of the two that take them.
func (s *Service) Export(
	ctx context.Context, c store.Consistency, e Export, orders func([]order.Order) error, returns func([]order.Return) error,
) error {
	q := store.OrderQuery{CustomerID: e.CustomerID, From: e.From, Before: e.Before, Ascending: true}
	if err := s.at(c).ScanOrders(ctx, q, orders); err != nil {
		return err
	}
	r := store.ReturnQuery{CustomerID: e.CustomerID, From: e.From, Before: e.Before, Ascending: true}
	return s.at(c).ScanReturns(ctx, r, returns)
}
