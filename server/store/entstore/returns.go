package entstore

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"github.com/orderprocessing/orderprocessing/ent/db"
	"github.com/orderprocessing/orderprocessing/ent/db/orderreturn"
	"github.com/orderprocessing/orderprocessing/ent/db/predicate"
	"github.com/orderprocessing/orderprocessing/ent/schema"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// Return reads one return by its key.
func (s *Store) Return(ctx context.Context, returnID order.ReturnID) (order.Return, error) {
	row, err := s.read.OrderReturn.Get(ctx, uuid.UUID(returnID.UUID))
	if db.IsNotFound(err) {
		return order.Return{}, order.ReturnNotFound()
	}
	if err != nil {
		return order.Return{}, fromDriver(err)
	}
	return returnFromRow(row), nil
}

// Returns walks the one index that fits the filter, from where the page before ended.
func (s *Store) Returns(ctx context.Context, q store.ReturnQuery) ([]order.Return, error) {
	w := newWalk(q.From, q.Before, q.After, q.Ascending)
	var rest []predicate.OrderReturn
	if q.Number != "" {
		w.along([]string{orderreturn.FieldNumber}, q.Number)
		rest = append(rest, numbered)
	}
	if q.CustomerID != "" && !w.along(customerColumns, int16(id.SlotOf(q.CustomerID)), q.CustomerID) { //nolint:gosec // below 4096
		rest = append(rest, onTheWay("%s || ''", orderreturn.FieldCustomerID, q.CustomerID))
	}
	rows, err := s.read.OrderReturn.Query().Where(w.between).Where(rest...).Order(w.order).Limit(q.Limit).All(ctx)
	if err != nil {
		return nil, fromDriver(err)
	}
	returns := make([]order.Return, len(rows))
	for i, row := range rows {
		returns[i] = returnFromRow(row)
	}
	return returns, nil
}

func newReturnRow(c *db.OrderReturnClient, r order.Return) (*db.OrderReturnCreate, error) {
	total, err := r.Total()
	if err != nil {
		return nil, err
	}
	row := c.Create().
		SetID(uuid.UUID(r.ID.UUID)).
		SetSlot(int16(r.ID.Slot())). //nolint:gosec // below 4096
		SetCustomerID(r.CustomerID).
		SetSource(r.Source).
		SetNumber(r.Number).
		SetStatus(uint8(r.Status)).
		SetCurrency(string(r.Currency)).
		SetLines(returnLinesToRow(r.Lines)).
		SetTotalMinor(int64(total)).
		SetCreateTime(r.Created).
		SetUpdateTime(r.Updated)
	if r.Updated.IsZero() { // imported history
		row.SetUpdateTime(r.Created)
	}
	if !r.OrderID.IsZero() {
		row.SetOrderID(uuid.UUID(r.OrderID.UUID)).SetProgress(returnProgressToRow(r))
	}
	return row, nil
}

func returnProgressToRow(r order.Return) *schema.ReturnProgress {
	p := &schema.ReturnProgress{Reason: r.Reason, Refund: int64(r.Refund)}
	for _, l := range r.Restock {
		p.Restock = append(p.Restock, schema.LineQuantity(l))
	}
	return p
}

func returnLinesToRow(lines []order.ReturnLine) []schema.ReturnLine {
	rows := make([]schema.ReturnLine, len(lines))
	for i, l := range lines {
		rows[i].OrderLine = lineToRow(l.Line)
		for _, m := range l.Matches {
			rows[i].Matches = append(rows[i].Matches, schema.ReturnMatch{
				Order: uuid.UUID(m.OrderID.UUID), Position: m.Position, Quantity: m.Quantity,
			})
		}
	}
	return rows
}

func returnFromRow(row *db.OrderReturn) order.Return {
	r := order.Return{
		ID:         order.ReturnID{UUID: id.UUID(row.ID)},
		CustomerID: row.CustomerID,
		Source:     row.Source,
		Number:     row.Number,
		Status:     order.ReturnStatus(row.Status),
		Currency:   money.Currency(row.Currency),
		Lines:      make([]order.ReturnLine, len(row.Lines)),
		Created:    row.CreateTime.UTC(),
		Updated:    row.UpdateTime.UTC(),
	}
	if row.OrderID != nil {
		r.OrderID = order.ID{UUID: id.UUID(*row.OrderID)}
	}
	if p := row.Progress; p != nil {
		r.Reason, r.Refund = p.Reason, money.Minor(p.Refund)
		for _, l := range p.Restock {
			r.Restock = append(r.Restock, order.LineQuantity(l))
		}
	}
	for i, l := range row.Lines {
		r.Lines[i].Line = lineFromRow(l.OrderLine)
		for _, m := range l.Matches {
			r.Lines[i].Matches = append(r.Lines[i].Matches, order.Match{
				OrderID: order.ID{UUID: id.UUID(m.Order)}, Position: m.Position, Quantity: m.Quantity,
			})
		}
	}
	return r
}

// returnContent gives what a return brought, without what was found out about it here.
func returnContent(r order.Return) ([]byte, error) {
	brought := make([]schema.OrderLine, len(r.Lines))
	for i, l := range r.Lines {
		brought[i] = lineToRow(l.Line)
	}
	return json.Marshal(struct {
		Currency money.Currency
		Lines    []schema.OrderLine
	}{r.Currency, brought})
}
