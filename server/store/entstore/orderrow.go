package entstore

import (
	"github.com/google/uuid"

	"github.com/orderprocessing/orderprocessing/ent/db"
	entorder "github.com/orderprocessing/orderprocessing/ent/db/order"
	"github.com/orderprocessing/orderprocessing/ent/db/orderevent"
	"github.com/orderprocessing/orderprocessing/ent/db/request"
	"github.com/orderprocessing/orderprocessing/ent/schema"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/events"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// orderCells gives the row of an order.
func orderCells(o order.Order) ([]cell, error) {
	total, err := o.Total()
	if err != nil {
		return nil, err
	}
	lines, err := newDocument(linesToRow(o))
	if err != nil {
		return nil, err
	}
	var shipTo, progress document
	if o.ShipTo != (order.Address{}) {
		if shipTo, err = newDocument(schema.Address(o.ShipTo)); err != nil {
			return nil, err
		}
	}
	if p := progressToRow(o.Progress); p != nil {
		if progress, err = newDocument(p); err != nil {
			return nil, err
		}
	}
	return []cell{
		{entorder.FieldID, uuid.UUID(o.ID.UUID), true},
		{entorder.FieldSlot, int16(o.ID.Slot()), true}, //nolint:gosec // below 4096
		{entorder.FieldCreateTime, o.Created, true},
		{entorder.FieldUpdateTime, o.Updated, false},
		{entorder.FieldCustomerID, o.CustomerID, true},
		{entorder.FieldSource, o.Source, true},
		{entorder.FieldNumber, o.Number, true},
		{entorder.FieldLifecycle, uint8(o.Lifecycle), false},
		{entorder.FieldPaymentStatus, uint8(o.Payment), false},
		{entorder.FieldFulfillmentStatus, uint8(o.Fulfillment), false},
		{entorder.FieldCurrency, string(o.Currency), true},
		{entorder.FieldLines, lines, false},
		{entorder.FieldShippingMinor, int64(o.Shipping), false},
		{entorder.FieldTotalMinor, int64(total), false},
		{entorder.FieldShipTo, shipTo, false},
		{entorder.FieldNote, o.Note, false},
		{entorder.FieldCancelReason, o.CancelReason, false},
		{entorder.FieldPaymentMethod, o.PaymentMethod, false},
		{entorder.FieldPlacements, o.Placements, false},
		{entorder.FieldConfirmTime, timeOrNull(o.Confirmed), false},
		{entorder.FieldProgress, progress, false},
		{entorder.FieldVersion, o.Version, false},
	}, nil
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
		Lifecycle:     order.Lifecycle(row.Lifecycle),
		Payment:       order.PaymentStatus(row.PaymentStatus),
		Fulfillment:   order.FulfillmentStatus(row.FulfillmentStatus),
		CancelReason:  row.CancelReason,
		PaymentMethod: row.PaymentMethod,
		Placements:    row.Placements,
		Version:       row.Version,
		Created:       row.CreateTime.UTC(),
		Updated:       row.UpdateTime.UTC(),
	}
	if row.ConfirmTime != nil {
		o.Confirmed = row.ConfirmTime.UTC()
	}
	if row.Progress != nil {
		o.Progress = progressFromRow(o.ID, *row.Progress)
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

// progressToRow gives nil for an order that is as most are.
func progressToRow(p order.Progress) *schema.OrderProgress {
	if p.StatusReason == "" && p.ActionURL == "" && !p.Cleared && len(p.Shipments) == 0 && p.Amendment == nil {
		return nil
	}
	row := &schema.OrderProgress{StatusReason: p.StatusReason, ActionURL: p.ActionURL, Cleared: p.Cleared}
	for _, s := range p.Shipments {
		parcel := schema.Shipment{
			State: uint8(s.State), Lines: make([]schema.LineQuantity, len(s.Lines)), Carrier: s.Carrier,
			Tracking: s.Tracking, Amount: int64(s.Amount), Final: s.Final, Created: s.Created, Updated: s.Updated,
		}
		for i, l := range s.Lines {
			parcel.Lines[i] = schema.LineQuantity(l)
		}
		row.Shipments = append(row.Shipments, parcel)
	}
	if a := p.Amendment; a != nil {
		row.Amendment = &schema.Amendment{
			Version: a.ID.Part(), Lines: make([]schema.OrderLine, len(a.Lines)), Shipping: int64(a.Shipping), Applied: a.Applied, Refused: a.Refused,
		}
		for i, l := range a.Lines {
			row.Amendment.Lines[i] = lineToRow(l)
		}
	}
	return row
}

func progressFromRow(orderID order.ID, row schema.OrderProgress) order.Progress {
	p := order.Progress{StatusReason: row.StatusReason, ActionURL: row.ActionURL, Cleared: row.Cleared}
	for i, parcel := range row.Shipments {
		s := order.Shipment{
			ID: order.ShipmentID{UUID: orderID.WithPart(i + 1)}, State: order.ShipmentState(parcel.State),
			Lines: make([]order.LineQuantity, len(parcel.Lines)), Carrier: parcel.Carrier, Tracking: parcel.Tracking, Final: parcel.Final,
			Amount: money.Minor(parcel.Amount), Created: parcel.Created.UTC(), Updated: parcel.Updated.UTC(),
		}
		for i, l := range parcel.Lines {
			s.Lines[i] = order.LineQuantity(l)
		}
		p.Shipments = append(p.Shipments, s)
	}
	if a := row.Amendment; a != nil {
		p.Amendment = &order.Amendment{
			ID: order.AmendmentID{UUID: orderID.WithPart(a.Version)}, Lines: make([]order.Line, len(a.Lines)),
			Shipping: money.Minor(a.Shipping), Applied: a.Applied, Refused: a.Refused,
		}
		for i, l := range a.Lines {
			p.Amendment.Lines[i] = lineFromRow(l)
		}
	}
	return p
}

// eventCells gives the row of an event.
func eventCells(e order.Event) ([]cell, error) {
	change, err := events.Marshal(e.Change)
	if err != nil {
		return nil, err
	}
	return []cell{
		{orderevent.FieldID, uuid.UUID(e.OrderID.WithPart(int(e.Sequence))), true},
		{orderevent.FieldSlot, int16(e.OrderID.Slot()), true}, //nolint:gosec // below 4096
		{orderevent.FieldTime, e.Time, true},
		{orderevent.FieldChange, change, true},
	}, nil
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

// requestCells gives the row of a request that an order is the answer to.
func requestCells(r store.Request, o order.Order) []cell {
	return []cell{
		{request.FieldID, uuid.UUID(r.Key), true},
		{request.FieldSlot, int16(o.ID.Slot()), true}, //nolint:gosec // below 4096
		{request.FieldFingerprint, r.Fingerprint[:], true},
		{request.FieldOrderID, uuid.UUID(o.ID.UUID), true},
		{request.FieldVersion, o.Version, true},
		{request.FieldCreateTime, o.Updated, true},
	}
}
