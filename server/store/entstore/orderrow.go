package entstore

import (
	"time"

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

// orderRow is an order with what its row has of it in another form.
type orderRow struct {
	order.Order

	total                   money.Minor
	lines, shipTo, progress document
}

func newOrderRow(o order.Order) (row orderRow, err error) {
	row.Order = o
	if row.total, err = o.Total(); err != nil {
		return row, err
	}
	if row.lines, err = newDocument(linesToRow(o)); err != nil {
		return row, err
	}
	if o.ShipTo != (order.Address{}) {
		if row.shipTo, err = newDocument(schema.Address(o.ShipTo)); err != nil {
			return row, err
		}
	}
	if p := progressToRow(o.Progress); p != nil {
		row.progress, err = newDocument(p)
	}
	return row, err
}

var (
	newOrders     = newTable(entorder.Table, "", orderColumns...)
	changedOrders = newTable(entorder.Table, "orders.version < excluded.version", orderColumns...)
)

var orderColumns = []column[orderRow]{
	fixed(entorder.FieldID, func(o *orderRow) uuid.UUID { return uuid.UUID(o.ID.UUID) }),
	fixed(entorder.FieldSlot, func(o *orderRow) int16 { return int16(o.ID.Slot()) }), //nolint:gosec // below 4096
	fixed(entorder.FieldCreateTime, func(o *orderRow) time.Time { return o.Created }),
	open(entorder.FieldUpdateTime, func(o *orderRow) time.Time { return o.Updated }),
	fixed(entorder.FieldCustomerID, func(o *orderRow) string { return o.CustomerID }),
	fixed(entorder.FieldSource, func(o *orderRow) string { return o.Source }),
	fixed(entorder.FieldNumber, func(o *orderRow) string { return o.Number }),
	open(entorder.FieldLifecycle, func(o *orderRow) uint8 { return uint8(o.Lifecycle) }),
	open(entorder.FieldPaymentStatus, func(o *orderRow) uint8 { return uint8(o.Payment) }),
	open(entorder.FieldFulfillmentStatus, func(o *orderRow) uint8 { return uint8(o.Fulfillment) }),
	fixed(entorder.FieldCurrency, func(o *orderRow) string { return string(o.Currency) }),
	open(entorder.FieldLines, func(o *orderRow) document { return o.lines }),
	open(entorder.FieldShippingMinor, func(o *orderRow) int64 { return int64(o.Shipping) }),
	open(entorder.FieldTotalMinor, func(o *orderRow) int64 { return int64(o.total) }),
	open(entorder.FieldShipTo, func(o *orderRow) document { return o.shipTo }),
	open(entorder.FieldNote, func(o *orderRow) string { return o.Note }),
	open(entorder.FieldCancelReason, func(o *orderRow) string { return o.CancelReason }),
	open(entorder.FieldPaymentMethod, func(o *orderRow) string { return o.PaymentMethod }),
	open(entorder.FieldPlacements, func(o *orderRow) int { return o.Placements }),
	open(entorder.FieldConfirmTime, func(o *orderRow) sometime { return sometime{o.Confirmed} }),
	open(entorder.FieldProgress, func(o *orderRow) document { return o.progress }),
	open(entorder.FieldVersion, func(o *orderRow) int64 { return o.Version }),
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

// eventRow is an event with its change as it is stored.
type eventRow struct {
	order.Event

	change []byte
}

func newEventRow(e order.Event) (eventRow, error) {
	change, err := events.Marshal(e.Change)
	return eventRow{e, change}, err
}

var orderEvents = newTable(
	orderevent.Table, "",
	fixed(orderevent.FieldID, func(e *eventRow) uuid.UUID { return uuid.UUID(e.OrderID.WithPart(int(e.Sequence))) }),
	fixed(orderevent.FieldSlot, func(e *eventRow) int16 { return int16(e.OrderID.Slot()) }), //nolint:gosec // below 4096
	fixed(orderevent.FieldTime, func(e *eventRow) time.Time { return e.Time }),
	fixed(orderevent.FieldChange, func(e *eventRow) []byte { return e.change }),
)

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

// requestRow is a request with the version of an order that is its answer.
type requestRow struct {
	store.Request

	order   order.ID
	version int64
	at      time.Time
}

var requests = newTable(
	request.Table, "",
	fixed(request.FieldID, func(r *requestRow) uuid.UUID { return r.Key }),
	fixed(request.FieldSlot, func(r *requestRow) int16 { return int16(r.order.Slot()) }), //nolint:gosec // below 4096
	fixed(request.FieldFingerprint, func(r *requestRow) []byte { return r.Fingerprint[:] }),
	fixed(request.FieldOrderID, func(r *requestRow) uuid.UUID { return uuid.UUID(r.order.UUID) }),
	fixed(request.FieldVersion, func(r *requestRow) int64 { return r.version }),
	fixed(request.FieldCreateTime, func(r *requestRow) time.Time { return r.at }),
)
