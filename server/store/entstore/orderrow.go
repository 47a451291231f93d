package entstore

import (
	"github.com/google/uuid"

	"github.com/orderprocessing/orderprocessing/ent/db"
	"github.com/orderprocessing/orderprocessing/ent/schema"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/events"
)

// newOrderRow fills the row of an order that is not stored yet.
func newOrderRow(c *db.OrderClient, o order.Order) (*db.OrderCreate, error) {
	total, err := o.Total()
	if err != nil {
		return nil, err
	}
	row := c.Create().
		SetID(uuid.UUID(o.ID.UUID)).
		SetSlot(int16(o.ID.Slot())). //nolint:gosec // below 4096
		SetCustomerID(o.CustomerID).
		SetSource(o.Source).
		SetNumber(o.Number).
		SetLifecycle(uint8(o.Lifecycle)).
		SetPaymentStatus(uint8(o.Payment)).
		SetFulfillmentStatus(uint8(o.Fulfillment)).
		SetCurrency(string(o.Currency)).
		SetLines(linesToRow(o)).
		SetShippingMinor(int64(o.Shipping)).
		SetTotalMinor(int64(total)).
		SetNote(o.Note).
		SetCancelReason(o.CancelReason).
		SetVersion(o.Version).
		SetCreateTime(o.Created).
		SetUpdateTime(o.Updated)
	if o.ShipTo != (order.Address{}) {
		row.SetShipTo((*schema.Address)(&o.ShipTo))
	}
	return row, nil
}

// changeOrderRow sets what may change in the row of an order.
func changeOrderRow(u *db.OrderUpdate, o order.Order) (*db.OrderUpdate, error) {
	total, err := o.Total()
	if err != nil {
		return nil, err
	}
	u.SetLifecycle(uint8(o.Lifecycle)).
		SetPaymentStatus(uint8(o.Payment)).
		SetFulfillmentStatus(uint8(o.Fulfillment)).
		SetLines(linesToRow(o)).
		SetShippingMinor(int64(o.Shipping)).
		SetTotalMinor(int64(total)).
		SetNote(o.Note).
		SetCancelReason(o.CancelReason).
		SetVersion(o.Version).
		SetUpdateTime(o.Updated)
	if o.ShipTo == (order.Address{}) {
		return u.ClearShipTo(), nil
	}
	return u.SetShipTo((*schema.Address)(&o.ShipTo)), nil
}

func orderFromRow(row *db.Order) order.Order {
	o := order.Order{
		ID: order.ID{UUID: id.UUID(row.ID)},
		Details: order.Details{
			CustomerID: row.CustomerID,
			Source:     row.Source,
			Number:     row.Number,
			Currency:   money.Currency(row.Currency),
			Lines:      make([]order.Line, len(row.Lines)),
			Shipping:   money.Minor(row.ShippingMinor),
			Note:       row.Note,
		},
		Lifecycle:    order.Lifecycle(row.Lifecycle),
		Payment:      order.PaymentStatus(row.PaymentStatus),
		Fulfillment:  order.FulfillmentStatus(row.FulfillmentStatus),
		CancelReason: row.CancelReason,
		Version:      row.Version,
		Created:      row.CreateTime.UTC(),
		Updated:      row.UpdateTime.UTC(),
	}
	if row.ShipTo != nil {
		o.ShipTo = order.Address(*row.ShipTo)
	}
	for i, l := range row.Lines {
		o.Lines[i] = lineFromRow(l)
		if l.Returned > 0 && o.Returned == nil {
			o.Returned = make([]int64, len(row.Lines))
		}
		if l.Returned > 0 {
			o.Returned[i] = l.Returned
		}
	}
	return o
}

func linesToRow(o order.Order) []schema.OrderLine {
	rows := make([]schema.OrderLine, len(o.Lines))
	for i, l := range o.Lines {
		rows[i] = lineToRow(l)
		rows[i].Returned = o.ReturnedOf(i)
	}
	return rows
}

func lineToRow(l order.Line) schema.OrderLine {
	return schema.OrderLine{
		SKU:         l.SKU,
		Description: l.Description,
		Service:     l.Service,
		Quantity:    l.Quantity,
		UnitPrice:   int64(l.UnitPrice),
		Discount:    int64(l.Discount),
	}
}

func lineFromRow(l schema.OrderLine) order.Line {
	return order.Line{
		SKU:         l.SKU,
		Description: l.Description,
		Service:     l.Service,
		Quantity:    l.Quantity,
		UnitPrice:   money.Minor(l.UnitPrice),
		Discount:    money.Minor(l.Discount),
	}
}

// newEventRow fills the row of an event.
func newEventRow(c *db.OrderEventClient, e order.Event) (*db.OrderEventCreate, error) {
	change, err := events.Marshal(e.Change)
	if err != nil {
		return nil, err
	}
	return c.Create().
		SetID(uuid.UUID(e.OrderID.WithPart(int(e.Sequence)))).
		SetSlot(int16(e.OrderID.Slot())). //nolint:gosec // below 4096
		SetTime(e.Time).
		SetChange(change), nil
}

func eventFromRow(row *db.OrderEvent) (order.Event, error) {
	change, err := events.Unmarshal(row.Change)
	if err != nil {
		return order.Event{}, err
	}
	key := id.UUID(row.ID)
	return order.Event{
		OrderID:  order.ID{UUID: key.WithPart(0)},
		Sequence: int64(key.Part()),
		Time:     row.Time.UTC(),
		Change:   change,
	}, nil
}
