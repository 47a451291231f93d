package entstore

import (
	"bytes"
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/orderprocessing/orderprocessing/ent/db"
	"github.com/orderprocessing/orderprocessing/ent/db/orderevent"
	"github.com/orderprocessing/orderprocessing/ent/db/orderreturn"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/events"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// Import stores documents in one transaction, in their order, so that a return finds the orders
// that came before it. A document's id is made from what it is, so importing it again meets it.
func (s *Store) Import(ctx context.Context, documents []store.Document) (outcomes []store.Outcome, err error) {
	err = s.inTxWaking(ctx, func(tx *db.Tx, w *wakes) error {
		in := importing{s: s, tx: tx, rows: rows{wakes: w}, seen: map[uuid.UUID][]byte{}, bought: map[string][]order.Order{}}
		if err := in.findStored(ctx, documents); err != nil {
			return err
		}
		outcomes = make([]store.Outcome, len(documents))
		for i, d := range documents {
			if outcomes[i], err = in.take(ctx, d); err != nil {
				return err
			}
		}
		return s.write(ctx, tx, &in.rows)
	})
	return outcomes, err
}

// importing is one transaction of an import.
type importing struct {
	s      *Store
	tx     *db.Tx
	rows   rows
	seen   map[uuid.UUID][]byte     // what is stored of these documents, in a form to compare
	bought map[string][]order.Order // the orders of the customers met so far
}

// take stores one document, or finds that it is stored.
func (in *importing) take(ctx context.Context, d store.Document) (store.Outcome, error) {
	key, content, err := identify(d)
	if err != nil {
		return store.Outcome{Err: err}, nil
	}
	if stored, ok := in.seen[key]; ok {
		if bytes.Equal(stored, content) {
			return store.Outcome{}, nil
		}
		return store.Outcome{Err: fault.New(fault.KindExists, fault.ReasonDocumentChanged,
			"a document with this source, number, date and customer is stored with other content")}, nil
	}
	if d.Return != nil {
		if _, err := d.Return.Total(); err != nil {
			return store.Outcome{Err: err}, nil
		}
		in.seen[key] = content
		return store.Outcome{Created: true}, in.takeReturn(ctx, *d.Return)
	}
	o, err := in.rows.addNew(*d.Order)
	if err != nil {
		return store.Outcome{Err: err}, nil //nolint:nilerr // it fails alone
	}
	in.seen[key] = content
	if earlier, ok := in.bought[o.CustomerID]; ok {
		in.bought[o.CustomerID] = append(earlier, o)
	}
	return store.Outcome{Created: true}, nil
}

// takeReturn ties the goods to the customer's earlier orders and books them there.
func (in *importing) takeReturn(ctx context.Context, r order.Return) error {
	if err := in.s.write(ctx, in.tx, &in.rows); err != nil { // the orders that came before it
		return err
	}
	earlier, err := in.ordersOf(ctx, r.CustomerID)
	if err != nil {
		return err
	}
	until := id.First(r.Created.Add(time.Millisecond))
	var candidates []order.Order
	for _, o := range earlier {
		if o.ID.Compare(until) < 0 && o.Currency == r.Currency {
			candidates = append(candidates, o)
		}
	}
	r, changes := r.Trace(candidates)
	for i, o := range earlier {
		if change, ok := changes[o.ID]; ok {
			if earlier[i], err = in.rows.advance(o, r.Created, store.Request{}, []order.Change{change}); err != nil {
				return err
			}
		}
	}
	row, err := newReturnRow(in.tx.OrderReturn, r)
	if err != nil {
		return err
	}
	return row.Exec(ctx)
}

// ordersOf reads a customer's orders once in a transaction; a guest has none to tie to.
func (in *importing) ordersOf(ctx context.Context, customerID string) ([]order.Order, error) {
	if orders, ok := in.bought[customerID]; ok || customerID == "" {
		return orders, nil
	}
	orders, err := readOrders(ctx, in.tx.Order.Query(), store.OrderQuery{CustomerID: customerID, Ascending: true})
	if err != nil {
		return nil, err
	}
	in.bought[customerID] = orders
	return orders, nil
}

// identify gives the key of a document and its content in a form to compare.
func identify(d store.Document) (uuid.UUID, []byte, error) {
	if d.Order != nil {
		content, err := events.Marshal(d.Order.Change)
		return uuid.UUID(d.Order.ID.UUID), content, err
	}
	content, err := returnContent(*d.Return)
	return uuid.UUID(d.Return.ID.UUID), content, err
}

// findStored reads which of these documents are stored, and as what.
func (in *importing) findStored(ctx context.Context, documents []store.Document) error {
	var firstEvents, returns []uuid.UUID
	for _, d := range documents {
		if d.Order != nil {
			firstEvents = append(firstEvents, uuid.UUID(d.Order.ID.WithPart(1)))
		} else {
			returns = append(returns, uuid.UUID(d.Return.ID.UUID))
		}
	}
	if len(firstEvents) > 0 {
		rows, err := in.tx.OrderEvent.Query().Where(orderevent.IDIn(firstEvents...)).All(ctx)
		if err != nil {
			return err
		}
		for _, row := range rows {
			in.seen[uuid.UUID(id.UUID(row.ID).WithPart(0))] = row.Change
		}
	}
	if len(returns) == 0 {
		return nil
	}
	rows, err := in.tx.OrderReturn.Query().Where(orderreturn.IDIn(returns...)).All(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if in.seen[row.ID], err = returnContent(returnFromRow(row)); err != nil {
			return err
		}
	}
	return nil
}
