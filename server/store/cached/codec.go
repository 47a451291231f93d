package cached

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	cachev1 "github.com/orderprocessing/orderprocessing/gen/cache/v1"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
)

// schema begins every value. Raise it when a copy has to have what older ones have not: replicas of two
// versions of the program then do not read each other's.
const schema = 1

func encode(o order.Order) []byte { return marshal(toProto(o)) }

func encodePage(page []order.Order) []byte {
	m := &cachev1.Orders{Orders: make([]*cachev1.Order, len(page))}
	for i, o := range page {
		m.Orders[i] = toProto(o)
	}
	return marshal(m)
}

// marshal gives nothing for text that is not UTF-8, which no order has.
func marshal(m proto.Message) []byte {
	data, err := proto.MarshalOptions{}.MarshalAppend([]byte{schema}, m)
	if err != nil {
		return nil
	}
	return data
}

// decode is false for a value of another schema.
func decode(value []byte) (order.Order, bool) {
	var m cachev1.Order
	if !unmarshal(value, &m) {
		return order.Order{}, false
	}
	return fromProto(&m), true
}

func decodePage(value []byte) ([]order.Order, bool) {
	var m cachev1.Orders
	if !unmarshal(value, &m) {
		return nil, false
	}
	page := make([]order.Order, len(m.GetOrders()))
	for i, o := range m.GetOrders() {
		page[i] = fromProto(o)
	}
	return page, true
}

func unmarshal(value []byte, m proto.Message) bool {
	return len(value) > 0 && value[0] == schema && proto.Unmarshal(value[1:], m) == nil
}

func toProto(o order.Order) *cachev1.Order {
	m := &cachev1.Order{
		Id: o.ID.UUID[:], Version: o.Version,
		CustomerId: o.CustomerID, Source: o.Source, Number: o.Number, CurrencyCode: string(o.Currency),
		Lines: make([]*cachev1.Line, len(o.Lines)), ShippingMinor: int64(o.Shipping), Note: o.Note,
		Lifecycle: uint32(o.Lifecycle), PaymentStatus: uint32(o.Payment), FulfillmentStatus: uint32(o.Fulfillment),
		CancelReason: o.CancelReason, PaymentMethod: o.PaymentMethod,
		Placements:  uint32(o.Placements), //nolint:gosec // a few
		ConfirmTime: timeToProto(o.Confirmed), StatusReason: o.StatusReason, ActionUrl: o.ActionURL, Cleared: o.Cleared,
		CreateTime: timeToProto(o.Created), UpdateTime: timeToProto(o.Updated),
	}
	if a := o.ShipTo; a != (order.Address{}) {
		m.ShipTo = &cachev1.Address{
			Name: a.Name, Street: a.Street, City: a.City, Region: a.Region, PostalCode: a.PostalCode, Country: a.Country,
		}
	}
	for i, l := range o.Lines {
		m.Lines[i] = lineToProto(l)
		m.Lines[i].Returned = o.ReturnedOf(i)
	}
	if a := o.Amendment; a != nil {
		m.Amendment = &cachev1.Amendment{
			Version: int32(a.ID.Part()), ShippingMinor: int64(a.Shipping), Applied: a.Applied, Refused: a.Refused, //nolint:gosec // a part is 22 bits
		}
		for _, l := range a.Lines {
			m.Amendment.Lines = append(m.Amendment.Lines, lineToProto(l))
		}
	}
	for _, s := range o.Shipments {
		parcel := &cachev1.Shipment{
			State: uint32(s.State), Carrier: s.Carrier, Tracking: s.Tracking, AmountMinor: int64(s.Amount), Final: s.Final,
			CreateTime: timeToProto(s.Created), UpdateTime: timeToProto(s.Updated),
		}
		for _, l := range s.Lines {
			parcel.Lines = append(parcel.Lines, &cachev1.LineQuantity{
				Position: int32(l.Position), Quantity: l.Quantity, //nolint:gosec // at most order.MaxLines
			})
		}
		m.Shipments = append(m.Shipments, parcel)
	}
	return m
}

func fromProto(m *cachev1.Order) order.Order {
	a := m.GetShipTo()
	o := order.Order{
		Details: order.Details{
			CustomerID: m.GetCustomerId(), Source: m.GetSource(), Number: m.GetNumber(), Currency: money.Currency(m.GetCurrencyCode()),
			Lines: make([]order.Line, len(m.GetLines())), Shipping: money.Minor(m.GetShippingMinor()), Note: m.GetNote(),
			ShipTo: order.Address{
				Name: a.GetName(), Street: a.GetStreet(), City: a.GetCity(),
				Region: a.GetRegion(), PostalCode: a.GetPostalCode(), Country: a.GetCountry(),
			},
		},
		Lifecycle:     order.Lifecycle(m.GetLifecycle()),                 //nolint:gosec // we wrote it
		Payment:       order.PaymentStatus(m.GetPaymentStatus()),         //nolint:gosec // we wrote it
		Fulfillment:   order.FulfillmentStatus(m.GetFulfillmentStatus()), //nolint:gosec // we wrote it
		CancelReason:  m.GetCancelReason(),
		PaymentMethod: m.GetPaymentMethod(), Placements: int(m.GetPlacements()), Confirmed: timeFromProto(m.GetConfirmTime()),
		Progress: order.Progress{StatusReason: m.GetStatusReason(), ActionURL: m.GetActionUrl(), Cleared: m.GetCleared()},
		Version:  m.GetVersion(), Created: timeFromProto(m.GetCreateTime()), Updated: timeFromProto(m.GetUpdateTime()),
	}
	copy(o.ID.UUID[:], m.GetId())
	for i, l := range m.GetLines() {
		o.Lines[i] = lineFromProto(l)
		if l.GetReturned() > 0 {
			if o.Returned == nil {
				o.Returned = make([]int64, len(o.Lines))
			}
			o.Returned[i] = l.GetReturned()
		}
	}
	for i, s := range m.GetShipments() {
		o.Shipments = append(o.Shipments, shipmentFromProto(o.ID.WithPart(i+1), s))
	}
	if a := m.GetAmendment(); a != nil {
		o.Amendment = &order.Amendment{
			ID: order.AmendmentID{UUID: o.ID.WithPart(int(a.GetVersion()))}, Lines: make([]order.Line, len(a.GetLines())),
			Shipping: money.Minor(a.GetShippingMinor()), Applied: a.GetApplied(), Refused: a.GetRefused(),
		}
		for i, l := range a.GetLines() {
			o.Amendment.Lines[i] = lineFromProto(l)
		}
	}
	return o
}

func lineToProto(l order.Line) *cachev1.Line {
	return &cachev1.Line{
		Sku: l.SKU, Description: l.Description, Service: l.Service, Quantity: l.Quantity,
		UnitPriceMinor: int64(l.UnitPrice), DiscountMinor: int64(l.Discount),
	}
}

func lineFromProto(m *cachev1.Line) order.Line {
	return order.Line{
		SKU: m.GetSku(), Description: m.GetDescription(), Service: m.GetService(), Quantity: m.GetQuantity(),
		UnitPrice: money.Minor(m.GetUnitPriceMinor()), Discount: money.Minor(m.GetDiscountMinor()),
	}
}

func shipmentFromProto(shipmentID id.UUID, m *cachev1.Shipment) order.Shipment {
	s := order.Shipment{
		ID: order.ShipmentID{UUID: shipmentID}, State: order.ShipmentState(m.GetState()), //nolint:gosec // we wrote it
		Lines: make([]order.LineQuantity, len(m.GetLines())), Carrier: m.GetCarrier(), Tracking: m.GetTracking(),
		Amount: money.Minor(m.GetAmountMinor()), Final: m.GetFinal(),
		Created: timeFromProto(m.GetCreateTime()), Updated: timeFromProto(m.GetUpdateTime()),
	}
	for i, l := range m.GetLines() {
		s.Lines[i] = order.LineQuantity{Position: int(l.GetPosition()), Quantity: l.GetQuantity()}
	}
	return s
}

// timeToProto writes a time; the zero time is none.
func timeToProto(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func timeFromProto(m *timestamppb.Timestamp) time.Time {
	if m == nil {
		return time.Time{}
	}
	return m.AsTime()
}
