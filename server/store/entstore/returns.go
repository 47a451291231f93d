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
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// Return reads one return by its key.
func (s *Store) Return(ctx context.Context, returnID order.ReturnID) (order.Return, error) {
	row, err := s.read.OrderReturn.Get(ctx, uuid.UUID(returnID.UUID))
	if db.IsNotFound(err) {
		return order.Return{}, fault.New(fault.KindNotFound, fault.ReasonReturnNotFound, "there is no such return")
	}
	if err != nil {
		return order.Return{}, fromDriver(err)
	}
	return returnFromRow(row), nil
}

// Returns walks the one index that fits the filter, from where the page before ended.
func (s *Store) Returns(ctx context.Context, q store.ReturnQuery) ([]order.Return, error) {
	var where []predicate.OrderReturn
	if q.CustomerID != "" {
		where = append(where,
			orderreturn.Slot(int16(id.SlotOf(q.CustomerID))), //nolint:gosec // below 4096
			orderreturn.CustomerID(q.CustomerID))
	}
	if q.Number != "" {
		where = append(where, orderreturn.Number(q.Number), orderreturn.NumberNEQ(""))
	}
	from, before := bounds(q.From, q.Before, q.After, q.Ascending)
	if !from.IsZero() {
		where = append(where, orderreturn.IDGTE(uuid.UUID(from)))
	}
	if !before.IsZero() {
		where = append(where, orderreturn.IDLT(uuid.UUID(before)))
	}
	query := s.read.OrderReturn.Query().Where(where...).Limit(q.Limit)
	if q.Ascending {
		query.Order(orderreturn.ByID())
	} else {
		query.Order(db.Desc(orderreturn.FieldID))
	}
	rows, err := query.All(ctx)
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
	return c.Create().
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
		SetUpdateTime(r.Created), nil
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
